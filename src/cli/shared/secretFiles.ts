import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { readInputFile, readRegularFile, readStandardInput } from '../../files/readFile.js';
import { describeSystemError } from '../../util/errors.js';
import { usageError, printNote } from '../process/exit.js';
import { createFile } from '../../files/writeFile.js';
import { MIN_ACCESS_TOKEN_LENGTH } from '../../crypto/accessToken.js';
import { type Flags, stringFlag } from '../args/flags.js';

/** Returns the first line of the file that `flag` names, trimmed. Throws a `usageError`. */
export const readFirstLine = (file: string, flag: string, hint?: string): string => {
  try {
    return readInputFile(file).toString('utf8').trim().split('\n')[0]?.trim() ?? '';
  } catch (error) {
    throw usageError(`cannot read ${flag} ${file}: ${describeSystemError(error)}`, hint);
  }
};

/** File name that means standard input in `--invite-file`. */
export const STANDARD_INPUT = '-';

/**
 * Loads an invite from a file or standard input. Returns the first line that is neither empty nor a comment.
 * Throws a `usageError`.
 */
export const loadInviteFile = (file: string): string => {
  const lines = decode(readInviteBytes(file)).split('\n');
  const invite = lines.map((line) => line.trim()).find((line) => line !== '' && !line.startsWith('#'));
  if (invite === undefined)
    throw usageError(`there is no invite ${file === STANDARD_INPUT ? 'on standard input' : `in ${file}`}`);
  return invite;
};

const readInviteBytes = (file: string): Uint8Array => {
  try {
    return file === STANDARD_INPUT ? readStandardInput() : readInputFile(file);
  } catch (error) {
    throw usageError(`cannot read --invite-file ${file}: ${describeSystemError(error)}`);
  }
};

/** Prints a note if other users of this machine can read a file with a secret, by default an invite. */
export const warnIfReadable = (file: string, secret?: string): void => {
  if (file === STANDARD_INPUT || process.getuid === undefined) return;
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats?.isFile() !== true || (stats.mode & 0o077) === 0) return;
  printNote(
    secret === undefined
      ? `other users can read the invite in ${file}, which admits anyone who has it; run: chmod 600 ${resolve(file)}`
      : `other users can read ${secret} in ${file}; run: chmod 600 ${resolve(file)}`,
  );
};

/**
 * Saves an invite to a file that only its owner can read. Never replaces a different file. Throws a
 * `usageError`.
 */
export const saveInviteFile = (file: string, invite: string): void => {
  const line = `${invite}\n`;
  try {
    if (createFile(file, line) || readRegularFile(file) === line) return;
  } catch (error) {
    throw usageError(`cannot write --out ${file}: ${describeSystemError(error)}`);
  }
  throw usageError(`${file} already exists`, 'choose another file, or remove it first');
};

/** Decodes UTF-8, or UTF-16 as PowerShell writes it. Either may begin with a byte order mark. */
const decode = (bytes: Uint8Array): string => {
  const [first, second] = bytes;
  const encoding = { 0xfffe: 'utf-16le', 0xfeff: 'utf-16be' }[((first ?? 0) << 8) | (second ?? 0)];
  return new TextDecoder(encoding ?? 'utf-8').decode(bytes);
};

/**
 * Returns the tokens in `--access-token-file`, or `undefined` if it is not given. The file has a token per
 * line. Throws a `usageError`.
 */
export const accessTokensFromFlags = (flags: Flags): readonly string[] | undefined => {
  const file = stringFlag(flags, 'accessTokenFile');
  if (file === undefined) return undefined;
  const tokens = readLines(file);
  if (tokens.length === 0) throw usageError(`no access token in ${file}`);
  return tokens.map((token) => checkToken(token, file));
};

/**
 * Returns the client's token: the first of `--access-token-file`, else `RXCHAT_ACCESS_TOKEN`, or `undefined`
 * if neither is given.
 */
export const accessTokenFromFlags = (flags: Flags): string | undefined => {
  const token = accessTokensFromFlags(flags)?.[0];
  if (token !== undefined) return token;
  const variable = process.env['RXCHAT_ACCESS_TOKEN'];
  return variable === undefined || variable === '' ? undefined : checkToken(variable, 'RXCHAT_ACCESS_TOKEN');
};

const readLines = (file: string): readonly string[] => {
  try {
    return readInputFile(file)
      .toString('utf8')
      .split('\n')
      .map((each) => each.trim())
      .filter((each) => each !== '');
  } catch (error) {
    throw usageError(`cannot read --access-token-file ${file}: ${describeSystemError(error)}`);
  }
};

const checkToken = (token: string, source: string): string => {
  if (token.length >= MIN_ACCESS_TOKEN_LENGTH) return token;
  throw usageError(
    `an access token in ${source} is shorter than ${MIN_ACCESS_TOKEN_LENGTH} characters`,
    'create one with: openssl rand -base64 24',
  );
};
