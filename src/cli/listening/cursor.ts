import {
  ENTRY_HASH_BYTES,
  fromBase64url,
  type Heard,
  isLogId,
  POSITION_LIMIT,
  type Resume,
  resumeAfter,
} from '../../../streams/index.js';
import { errorCode } from '../../transport/networkError.js';
import { systemFault } from '../../systemFault.js';
import { CliError, Exit, note, usageError } from '../exit.js';
import { readRegularFile } from '../../files/readRegularFile.js';
import { fileVersion, writeWhole } from '../../files/wholeFile.js';

/** How far a listener has come: all entries up to `position` were taken, and of the next one so many lines. */
export interface Cursor {
  readonly log: string;
  readonly position: number;
  readonly lines: number;
  /** The hash of the entry at `position`, if it is known: a log that has another entry there is another one. */
  readonly hash?: string;
  /** An earlier entry that was read, if the one at `position` is an announcement. */
  readonly earlier?: NonNullable<Resume['earlier']>;
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
    else if (heard.type === 'gap') cursor = { log: cursor.log, position: heard.to, lines: 0 };
    else {
      const position = placeOf(heard);
      if (position === undefined) return cursor;
      const isOver = next === undefined || placeOf(next) !== position;
      const lines = heard.type === 'message' ? heard.index + 1 : 0;
      const { log } = cursor;
      if (isOver) {
        const { hash, earlier } = resumeAfter(resumeOf(cursor), heard) ?? {};
        cursor = {
          log,
          position,
          lines: 0,
          ...(hash !== undefined && { hash }),
          ...(earlier && { earlier }),
        };
      } else if (cursor.position === position - 1) cursor = { ...cursor, lines };
      else cursor = { log, position: position - 1, lines };
    }
    return cursor;
  };
};

/** Returns the position behind the entries that were taken as a whole, as a relay gets it. */
export const resumeOf = ({ log, position: n, hash, earlier }: Cursor): Resume =>
  n > 0 && hash !== undefined ? { log, n, hash, ...(earlier && { earlier }) } : { log, n };

const placeOf = (heard: Heard): number | undefined => ('position' in heard ? heard.position : undefined);

/** A cursor that outlives the process. */
export interface CursorFile {
  /** What an earlier run left. */
  readonly start: Cursor | undefined;
  /** Throws `CliError`. */
  save(cursor: Cursor): void;
}

/** Opens a file that is there or will be; throws a `usageError` if it holds something else. */
export const openCursorFile = (
  path: string,
  room: string,
  tell: (text: string) => void = note,
): CursorFile => {
  let saved = readCursor(path, room);
  let version = versionOf(path);
  let isShared = false;

  /** Of two writers nothing is lost, but each begins the next time where the other one was. */
  const noticeOthers = (): void => {
    const found = versionOf(path);
    if (isShared || found === undefined || found === version) return;
    isShared = true;
    tell(`another listen writes --cursor-file ${path} too; give each a file of its own`);
  };

  return {
    start: saved,
    save: (cursor) => {
      if (saved !== undefined && formatCursor(saved, room) === formatCursor(cursor, room)) return;
      try {
        noticeOthers();
        version = writeWhole(path, formatCursor(cursor, room));
      } catch (error) {
        throw new CliError(Exit.unexpected, `cannot write --cursor-file ${path}: ${systemFault(error)}`);
      }
      saved = cursor;
    },
  };
};

/** Formats the content of a cursor file, which `parseCursor` reads. */
export const formatCursor = ({ log, position, lines, hash, earlier }: Cursor, room: string): string =>
  `${JSON.stringify({ v: 1, room, log, position, lines, hash, earlier })}\n`;

/** Parses the content of a cursor file; `undefined` if it is none. */
export const parseCursor = (content: string): (Cursor & { readonly room: unknown }) | undefined => {
  const { v, room, log, position, lines, hash, earlier } = readObject(content);
  // No relay takes other ids and positions.
  if (v !== 1 || typeof log !== 'string' || !isLogId(log)) return undefined;
  if (!isCount(position) || position >= POSITION_LIMIT || !isCount(lines) || !isHash(hash)) return undefined;
  if (hash === undefined) return { room, log, position, lines };
  if (earlier === undefined) return { room, log, position, lines, hash };
  return isEarlier(earlier, position) ? { room, log, position, lines, hash, earlier } : undefined;
};

const versionOf = (path: string): string | undefined => {
  try {
    return fileVersion(path);
  } catch {
    return undefined;
  }
};

const readCursor = (path: string, room: string): Cursor | undefined => {
  const content = readText(path);
  // A new file may be there already, empty: mktemp makes such.
  if (content === undefined || content.trim() === '') return undefined;
  const cursor = parseCursor(content);
  if (cursor === undefined)
    throw usageError(
      `--cursor-file ${path} holds no cursor`,
      'give the file of an earlier run, or one that is not there yet',
    );
  const { room: itsRoom, ...place } = cursor;
  if (itsRoom !== room)
    throw usageError(`--cursor-file ${path} is of another room`, 'give each room a file of its own');
  return place;
};

const readText = (path: string): string | undefined => {
  try {
    return readRegularFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw usageError(`cannot read --cursor-file ${path}: ${systemFault(error)}`);
  }
};

/** The files of older versions have none. */
const isHash = (value: unknown): value is string | undefined =>
  value === undefined || (typeof value === 'string' && fromBase64url(value)?.length === ENTRY_HASH_BYTES);

const isEarlier = (value: unknown, position: number): value is NonNullable<Cursor['earlier']> => {
  const { n, hash } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return isCount(n) && n > 0 && n < position && hash !== undefined && isHash(hash);
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
