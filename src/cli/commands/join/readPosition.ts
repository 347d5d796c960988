import { dirname, join } from 'node:path';
import { throttleTime, finalize, ignoreElements, type OperatorFunction, tap } from 'rxjs';
import { makeDirectory, writeFileAtomic } from '../../../files/writeFile.js';
import { readRegularFile } from '../../../files/readFile.js';
import { formatResume, parseResume, type Resume } from '../../../../streams/wire/index.js';
import { describeSystemError } from '../../../util/errors.js';
import { once } from '../../../util/once.js';
import { roomFileName, stateDir } from '../../process/environment.js';

/** The read position of a room, kept between runs. */
interface ReadPosition {
  /** The position that the last run saved. */
  readonly saved: Resume | undefined;
  /**
   * Saves the position during the run and at its end; never emits.
   * If it cannot be saved, some messages are shown again in the next run. That is reported once.
   */
  readonly persist: (where: { readonly position: Resume | undefined }) => OperatorFunction<unknown, never>;
}

/** Minimum time in ms between two saves. */
const SAVE_INTERVAL_MS = 2000;

/**
 * Opens the read position of a room: a log id and a number, no text.
 * Calls `onError` once if the position cannot be written.
 */
export const openReadPosition = (
  room: string,
  onError: (text: string) => void,
  dir: string = join(stateDir(), 'read'),
): ReadPosition => {
  const reportOnce = once(onError);
  const name = roomFileName(room);
  const path = join(dir, `${name}.json`);
  let savedText = '';
  const save = (position: Resume | undefined): void => {
    if (position === undefined) return;
    const text = JSON.stringify({ v: 1, after: formatResume(position) });
    if (text === savedText) return;
    try {
      makeDirectory(dirname(path));
      writeFileAtomic(path, `${text}\n`);
      savedText = text;
    } catch (error) {
      reportOnce(`cannot save the read position in ${path}: ${describeSystemError(error)}`);
    }
  };

  return {
    saved: loadPosition(path),
    persist: (source) => (event$) =>
      event$.pipe(
        throttleTime(SAVE_INTERVAL_MS),
        tap(() => {
          save(source.position);
        }),
        ignoreElements(),
        finalize(() => {
          save(source.position);
        }),
      ),
  };
};

const loadPosition = (path: string): Resume | undefined => {
  try {
    const { v, after } = JSON.parse(readRegularFile(path)) as Readonly<Record<string, unknown>>;
    return v === 1 && typeof after === 'string' ? parseResume(after) : undefined;
  } catch {
    return undefined;
  }
};
