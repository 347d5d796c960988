import { readFileSync } from 'node:fs';
import type { Heard } from '../../../streams/index.js';
import { errorCode } from '../../transport/networkError.js';
import { systemFault } from '../../systemFault.js';
import { CliError, Exit, usageError } from '../exit.js';
import { writeWhole } from '../spoolFile.js';

/** How far a listener has come: all entries up to `position` were taken, and of the next one so many lines. */
export interface Cursor {
  readonly log: string;
  readonly position: number;
  readonly lines: number;
}

/**
 * Gives the cursor behind each thing that is heard, told what comes next in the same turn: what is known of one entry comes
 * together, so that an entry is over where the next thing is not of it.
 */
export const cursors = (
  start: Cursor | undefined,
): ((heard: Heard, next: Heard | undefined) => Cursor | undefined) => {
  let cursor = start;
  let from = 1;

  return (heard, next) => {
    if (heard.type === 'welcome') {
      from = heard.from;
      // Coming back moves nothing: where something is missing, that is told next.
      cursor ??= { log: heard.log, position: from - 1, lines: 0 };
    } else if (cursor === undefined) return undefined;
    else if (heard.type === 'log-changed') cursor = { log: heard.log, position: from - 1, lines: 0 };
    else if (heard.type === 'gap') cursor = { ...cursor, position: heard.to, lines: 0 };
    else {
      const position = placeOf(heard);
      if (position === undefined) return cursor;
      const isOver = next === undefined || placeOf(next) !== position;
      const lines = heard.type === 'message' ? heard.index + 1 : 0;
      cursor = isOver ? { ...cursor, position, lines: 0 } : { ...cursor, position: position - 1, lines };
    }
    return cursor;
  };
};

const placeOf = (heard: Heard): number | undefined => ('position' in heard ? heard.position : undefined);

/** A cursor that outlives the process. */
export interface CursorFile {
  /** What an earlier run left. */
  readonly start: Cursor | undefined;
  /** Throws `CliError`. */
  save(cursor: Cursor): void;
}

/** Opens a file that is there or will be; throws a `usageError` where it holds something else. */
export const openCursorFile = (path: string, room: string): CursorFile => {
  let saved = readCursor(path, room);
  return {
    start: saved,
    save: (cursor) => {
      const { log, position, lines } = cursor;
      if (saved?.log === log && saved.position === position && saved.lines === lines) return;
      try {
        writeWhole(path, `${JSON.stringify({ v: 1, room, log, position, lines })}\n`);
      } catch (error) {
        throw new CliError(Exit.unexpected, `cannot write --cursor-file ${path}: ${systemFault(error)}`);
      }
      saved = cursor;
    },
  };
};

const readCursor = (path: string, room: string): Cursor | undefined => {
  const content = readText(path);
  if (content === undefined) return undefined;
  const fields = readObject(content);
  const { v, log, position, lines } = fields;
  if (v !== 1 || typeof log !== 'string' || log === '' || !isCount(position) || !isCount(lines))
    throw usageError(
      `--cursor-file ${path} holds no cursor`,
      'give the file of an earlier run, or one that is not there yet',
    );
  if (fields['room'] !== room)
    throw usageError(`--cursor-file ${path} is of another room`, 'give each room a file of its own');
  return { log, position, lines };
};

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw usageError(`cannot read --cursor-file ${path}: ${systemFault(error)}`);
  }
};

const readObject = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
