import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { createFile } from '../files/createFile.js';
import { readGiven, readGivenInput } from '../files/readGiven.js';
import { readRegularFile } from '../files/readRegularFile.js';
import { systemFault } from '../systemFault.js';
import { note, usageError } from './exit.js';

/** What `--invite-file` calls standard input. */
export const STANDARD_INPUT = '-';

/** Reads the invite of a file, or of standard input: the first line that is neither empty nor a comment. Throws a `usageError`. */
export const readInviteFile = (file: string): string => {
  try {
    const bytes = file === STANDARD_INPUT ? readGivenInput() : readGiven(file);
    const lines = decode(bytes).split('\n');
    return lines.map((line) => line.trim()).find((line) => line !== '' && !line.startsWith('#')) ?? '';
  } catch (error) {
    throw usageError(`cannot read --invite-file ${file}: ${systemFault(error)}`);
  }
};

/** Notes that others on this machine can read an invite that lets in whoever has it. */
export const warnOfReaders = (file: string): void => {
  if (file === STANDARD_INPUT || process.getuid === undefined) return;
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats?.isFile() !== true || (stats.mode & 0o077) === 0) return;
  note(`others can read the invite in ${file}, and whoever has it is in: chmod 600 ${resolve(file)}`);
};

/** Writes an invite to a file for its owner alone, and never over another one. Throws a `usageError`. */
export const writeInviteFile = (file: string, invite: string): void => {
  const line = `${invite}\n`;
  try {
    if (createFile(file, line) || readRegularFile(file) === line) return;
  } catch (error) {
    throw usageError(`cannot write --out ${file}: ${systemFault(error)}`);
  }
  throw usageError(`${file} is there already`, 'choose another file, or remove it first');
};

/** UTF-8 or, as PowerShell writes it, UTF-16; both may begin with a mark. */
const decode = (bytes: Uint8Array): string => {
  const [first, second] = bytes;
  const encoding = { 0xfffe: 'utf-16le', 0xfeff: 'utf-16be' }[((first ?? 0) << 8) | (second ?? 0)];
  return new TextDecoder(encoding ?? 'utf-8').decode(bytes);
};
