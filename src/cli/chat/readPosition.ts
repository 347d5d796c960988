import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../../files/makeDirectory.js';
import { readRegularFile } from '../../files/readRegularFile.js';
import { throttleTime, finalize, ignoreElements, type OperatorFunction, tap } from 'rxjs';
import { formatResume, readResume, type Resume } from '../../../streams/wire/index.js';
import { systemFault } from '../../systemFault.js';
import { writeWhole } from '../../files/wholeFile.js';
import { once } from '../once.js';
import { stateDir } from '../stateDir.js';

/** How far one has read a room, kept from one run to the next. */
export interface ReadPosition {
  /** Where the last run was. */
  readonly before: Resume | undefined;
  /**
   * Keeps where this one is, while it goes on and at its end; emits nothing. What cannot be written is lost: at worst
   * something is shown again. It is reported once.
   */
  readonly keeping: (where: { readonly at: Resume | undefined }) => OperatorFunction<unknown, never>;
}

/** How often, in ms, it is written at most. */
const EVERY = 2000;

/**
 * The read position of a room in a directory: a log's id and a number, and no word of what was read. `failed` is told once
 * that it cannot be written.
 */
export const openReadPosition = (
  room: string,
  failed: (text: string) => void,
  dir: string = join(stateDir(), 'read'),
): ReadPosition => {
  const tellOnce = once(failed);
  const name = createHash('sha256').update(room).digest('base64url').slice(0, 22);
  const path = join(dir, `${name}.json`);
  let kept = '';
  const keep = (at: Resume | undefined): void => {
    if (at === undefined) return;
    const text = JSON.stringify({ v: 1, after: formatResume(at) });
    if (text === kept) return;
    try {
      makeDirectory(dirname(path));
      writeWhole(path, `${text}\n`);
      kept = text;
    } catch (error) {
      tellOnce(`how far you have read cannot be kept in ${path}: ${systemFault(error)}`);
    }
  };

  return {
    before: read(path),
    keeping: (where) => (heard$) =>
      heard$.pipe(
        throttleTime(EVERY),
        tap(() => {
          keep(where.at);
        }),
        ignoreElements(),
        finalize(() => {
          keep(where.at);
        }),
      ),
  };
};

const read = (path: string): Resume | undefined => {
  try {
    const { v, after } = JSON.parse(readRegularFile(path)) as Readonly<Record<string, unknown>>;
    return v === 1 && typeof after === 'string' ? readResume(after) : undefined;
  } catch {
    return undefined;
  }
};
