import { randomBytes } from 'node:crypto';
import { readGiven } from '../files/readGiven.js';
import { asFernetKey, type FernetKey } from '../../streams/client/index.js';
import { calledAs } from '../cli/calledAs.js';
import { usageError } from '../cli/exit.js';
import { type Flags, text } from '../cli/flags.js';
import { systemFault } from '../systemFault.js';

/** How Fernet tools write a key: 32 bytes as base64url with padding. */
const KEY_CHARACTERS = 44;

/** A new key as text. */
export const makeKey = (): string => `${randomBytes(32).toString('base64url')}=`;

/** The key of `--key-file`, or of `RXCHAT_KEY`. Throws a `usageError`, which never repeats it. */
export const readKey = (flags: Flags): FernetKey => {
  const file = text(flags, 'keyFile');
  const given = file === undefined ? process.env['RXCHAT_KEY'] : readFirstLine(file);
  if (given === undefined || given === '')
    throw usageError(
      file === undefined ? 'there is no key' : `there is no key in ${file}`,
      `give one with --key-file or in RXCHAT_KEY; ${calledAs()} key makes one`,
    );
  const bytes = Buffer.from(given, 'base64url');
  if (bytes.length !== 32 || `${bytes.toString('base64url')}=` !== given)
    throw usageError(
      `the key ${file === undefined ? 'in RXCHAT_KEY' : `in ${file}`} is not one: it has ${given.length} characters`,
      `a key has ${KEY_CHARACTERS} characters of url-safe base64, its = included; ${calledAs()} key makes one`,
    );
  return asFernetKey(bytes);
};

const readFirstLine = (file: string): string => {
  try {
    return readGiven(file).toString('utf8').trim().split('\n')[0]?.trim() ?? '';
  } catch (error) {
    throw usageError(`cannot read --key-file ${file}: ${systemFault(error)}`);
  }
};
