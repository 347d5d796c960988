import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { defer, EMPTY } from 'rxjs';
import { asFernetKey, type FernetKey } from '../../../streams/client/index.js';
import type { Run } from '../args/command.js';
import { describeSystemError, errorCode } from '../../util/errors.js';
import { readFirstLine } from '../shared/secretFiles.js';
import { programName } from '../process/environment.js';
import { sanitize } from '../../text/sanitize.js';
import { writeOut } from '../../terminal/write.js';
import { type Flags, stringFlag } from '../args/flags.js';
import { printNote, usageError } from '../process/exit.js';

/** The length of a key as text: 32 bytes in padded base64url. */
const KEY_LENGTH = 44;

/** Generates a key as text. */
export const generateKey = (): string => `${randomBytes(32).toString('base64url')}=`;

/** Returns the key of `--key-file` or `RXCHAT_KEY`. Throws a `usageError`, which never contains the key. */
export const keyFromFlags = (flags: Flags): FernetKey => {
  const file = stringFlag(flags, 'keyFile');
  const text = file === undefined ? process.env['RXCHAT_KEY'] : readFirstLine(file, '--key-file');
  if (text === undefined || text === '')
    throw usageError(
      file === undefined ? 'there is no key' : `there is no key in ${file}`,
      `give one with --key-file or in RXCHAT_KEY; ${programName()} key makes one`,
    );
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== 32 || `${bytes.toString('base64url')}=` !== text)
    throw usageError(
      `the key ${file === undefined ? 'in RXCHAT_KEY' : `in ${file}`} is not valid: it has ${text.length} characters`,
      `a key has ${KEY_LENGTH} characters of URL-safe base64, including the =; ${programName()} key makes one`,
    );
  return asFernetKey(bytes);
};

/** Runs `rxchat key`: prints a key, or writes it to a new file that only its owner can read. */
export const key: Run = ({ flags }) =>
  defer(() => {
    const file = stringFlag(flags, 'keyFile');
    if (file === undefined) writeOut(sanitize(generateKey()));
    else {
      createKeyFile(file, `${generateKey()}\n`);
      printNote(`the key is in ${file}; anyone who has it can read and write`);
    }
    return EMPTY;
  });

const createKeyFile = (file: string, content: string): void => {
  try {
    writeFileSync(file, content, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errorCode(error) === 'EEXIST')
      throw usageError(`${file} exists already`, 'choose another file, or remove it first');
    throw usageError(`cannot write --key-file ${file}: ${describeSystemError(error)}`);
  }
};
