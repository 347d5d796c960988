import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fromBase64url, readResume } from '../../streams/wire/index.js';
import { errorCode } from '../transport/networkError.js';

/** What stands in the file of a spool. */
export interface Content {
  readonly v: 1;
  readonly session: string;
  readonly after: string | undefined;
  readonly tokens: readonly string[];
}

/** Makes the file of a run that has ended one's own, and reads it. */
export const adopt = (
  folder: string,
  own: string,
  isOurs: (content: Content) => boolean,
): Content | undefined => {
  for (const name of filesOf(folder)) {
    const pid = Number(name.split('-')[0]);
    if (pid !== process.pid && isRunning(pid)) continue;
    try {
      const content = readContent(readFileSync(join(folder, name), 'utf8'));
      if (content === undefined || !isOurs(content)) continue;
      renameSync(join(folder, name), own);
      return content;
    } catch {
      // Another run was faster, or it cannot be read; then it is not ours to remove.
      continue;
    }
  }
  return undefined;
};

/** Reads what stands in the file of a spool; `undefined` where it is none, whatever it is. */
export const readContent = (text: string): Content | undefined => {
  try {
    const { v, session, after, tokens } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (v !== 1 || typeof session !== 'string' || fromBase64url(session)?.length !== 16) return undefined;
    if (after !== undefined && typeof after !== 'string') return undefined;
    if (after !== undefined) readResume(after);
    if (!Array.isArray(tokens) || !tokens.every((token) => typeof token === 'string')) return undefined;
    return { v, session, after, tokens };
  } catch {
    return undefined;
  }
};

const filesOf = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder).filter((name) => /^\d+-[\w-]+\.json$/.test(name));
  } catch {
    return [];
  }
};

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
};
