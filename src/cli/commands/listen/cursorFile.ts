import { type ClientEvent, type Resume, resumeAfter } from '../../../../streams/index.js';
import { ENTRY_HASH_BYTES, fromBase64url, isLogId, POSITION_LIMIT } from '../../../../streams/wire/index.js';
import { describeSystemError, errorCode } from '../../../util/errors.js';
import { CliError, Exit, printNote, usageError } from '../../process/exit.js';
import { readRegularFile } from '../../../files/readFile.js';
import { fileVersion, writeFileAtomic } from '../../../files/writeFile.js';
import { parseJson } from '../../../util/json.js';

/** The read position of a listener: entries read in full, and lines of the next. */
export interface StoredPosition {
  readonly log: string;
  readonly position: number;
  readonly lines: number;
  /** The hash of the entry at `position`, if known, which identifies the log. */
  readonly hash?: string;
  /** An earlier entry that was read, if the entry at `position` is an announcement. */
  readonly earlier?: NonNullable<Resume['earlier']>;
  /**
   * The hashes of the newest entries that were read, up to the one at `position`, without separators. If the relay is
   * restored to an earlier state, the last entry that it still has is found by them.
   */
  readonly recent?: string;
}

const HASH_LENGTH = 11;

/** How many of the newest entries have a hash in a cursor file. */
const MAX_RECENT = 2048;

/** Returns the hash of an entry that was read, or `undefined` if it is unknown. */
export const hashInCursor = ({ position, recent = '' }: StoredPosition, n: number): string | undefined => {
  const end = recent.length - HASH_LENGTH * (position - n);
  return n > position || end < HASH_LENGTH ? undefined : recent.slice(end - HASH_LENGTH, end);
};

/** Appends the hash of the entry after `position`. */
const appendRecent = ({ position, recent = '' }: StoredPosition, next: number, hash: string): string => {
  if (next !== position + 1) return hash;
  const all = recent + hash;
  return all.length < 2 * MAX_RECENT * HASH_LENGTH ? all : all.slice(-MAX_RECENT * HASH_LENGTH);
};

/** Returns the position in a log that continues the one of a cursor. The hashes of lost entries are dropped. */
const continueIn = (cursor: StoredPosition, log: string, position: number): StoredPosition => {
  if (position === cursor.position) return { ...cursor, log };
  const lost = HASH_LENGTH * (cursor.position - position);
  const recent = lost > 0 ? (cursor.recent ?? '').slice(0, -lost) : '';
  const hash = hashInCursor(cursor, position);
  return { log, position, lines: 0, ...(hash !== undefined && { hash, recent }) };
};

/**
 * Returns a function that computes the position after each event.
 * The function also gets the next event of the same turn. All events of an entry arrive in one turn, so an entry is
 * complete if the next event has another position.
 */
export const trackPosition = (
  start: StoredPosition | undefined,
): ((event: ClientEvent, next: ClientEvent | undefined) => StoredPosition | undefined) => {
  let cursor = start;
  let from = 1;
  /** The room moved, so the next log is another one. */
  let hasMoved = false;

  return (event, next) => {
    if (event.type === 'welcome') {
      from = event.from;
      // A reconnect does not move the position: a gap event follows if entries are missing.
      if (cursor === undefined || (hasMoved && cursor.log !== event.log))
        cursor = { log: event.log, position: from - 1, lines: 0 };
      hasMoved = false;
    } else if (event.type === 'invite-changed') hasMoved = true;
    else if (cursor === undefined) return undefined;
    else if (event.type === 'log-changed')
      cursor =
        event.shared === undefined
          ? { log: event.log, position: from - 1, lines: 0 }
          : continueIn(keepLines(cursor, event.shared), event.log, from - 1);
    else if (event.type === 'gap') cursor = { log: cursor.log, position: event.to, lines: 0 };
    else {
      const position = positionOf(event);
      if (position === undefined) return cursor;
      const isEntryComplete = next === undefined || positionOf(next) !== position;
      const lines = event.type === 'message' ? event.index + 1 : 0;
      const { log } = cursor;
      if (isEntryComplete) {
        const { hash, earlier } = resumeAfter(toResume(cursor), event) ?? {};
        cursor = {
          log,
          position,
          lines: 0,
          ...(hash !== undefined && { hash, recent: appendRecent(cursor, position, hash) }),
          ...(earlier && { earlier }),
        };
      } else if (cursor.position === position - 1) cursor = { ...cursor, lines };
      else cursor = { log, position: position - 1, lines };
    }
    return cursor;
  };
};

/** The entry after the cursor, of which lines were read, may be another one now. */
const keepLines = (cursor: StoredPosition, shared: number): StoredPosition =>
  shared > cursor.position ? cursor : { ...cursor, lines: 0 };

/** Returns the position after the last complete entry, in the form that a relay expects. */
export const toResume = ({ log, position: n, hash, earlier }: StoredPosition): Resume =>
  n > 0 && hash !== undefined ? { log, n, hash, ...(earlier && { earlier }) } : { log, n };

const positionOf = (event: ClientEvent): number | undefined =>
  'position' in event ? event.position : undefined;

/** A read position that is saved to a file. */
interface CursorFile {
  /** The position that an earlier run saved. */
  readonly saved: StoredPosition | undefined;
  /** Returns the hash of an entry that an earlier run has read, or `undefined` if it is unknown. */
  readonly hashAt: (n: number) => string | undefined;
  /** Saves a position; throws a `CliError` if the file cannot be written. */
  save(cursor: StoredPosition): void;
}

/** Opens a cursor file; throws a usage error if the file holds something else. */
export const openCursorFile = (
  path: string,
  room: string,
  warn: (text: string) => void = printNote,
): CursorFile => {
  let lastSaved = loadCursor(path, room);
  let version = versionOf(path);
  let isShared = false;

  /**
   * Warns once if another process writes the same file.
   * Neither writer loses data, but each resumes from the position of the other.
   */
  const warnIfShared = (): void => {
    const currentVersion = versionOf(path);
    if (isShared || currentVersion === undefined || currentVersion === version) return;
    isShared = true;
    warn(`another listen also writes --cursor-file ${path}; use a separate file for each`);
  };

  const saved = lastSaved;
  return {
    saved,
    hashAt: (n) => saved && hashInCursor(saved, n),
    save: (cursor) => {
      if (lastSaved !== undefined && formatCursor(lastSaved, room) === formatCursor(cursor, room)) return;
      try {
        warnIfShared();
        version = writeFileAtomic(path, formatCursor(cursor, room));
      } catch (error) {
        throw new CliError(
          Exit.unexpected,
          `cannot write --cursor-file ${path}: ${describeSystemError(error)}`,
        );
      }
      lastSaved = cursor;
    },
  };
};

/** Formats the content of a cursor file, which `parseCursor` reads. */
const formatCursor = (
  { log, position, lines, hash, earlier, recent }: StoredPosition,
  room: string,
): string => {
  const newest = recent?.slice(-MAX_RECENT * HASH_LENGTH);
  return `${JSON.stringify({ v: 1, room, log, position, lines, hash, earlier, recent: newest })}\n`;
};

/** Parses the content of a cursor file, or returns `undefined` if it is invalid. */
const parseCursor = (content: string): (StoredPosition & { readonly room: unknown }) | undefined => {
  const { v, room, log, position, lines, hash, earlier, recent } = parseObject(content);
  // No relay accepts other ids and positions.
  if (v !== 1 || typeof log !== 'string' || !isLogId(log)) return undefined;
  if (!isCount(position) || position >= POSITION_LIMIT || !isCount(lines) || !isHash(hash)) return undefined;
  if (hash === undefined) return { room, log, position, lines };
  // Without them, only more is read again after a relay was restored.
  const known = { ...{ room, log, position, lines, hash }, ...(isRecent(recent) && { recent }) };
  if (earlier === undefined) return known;
  return isEarlier(earlier, position) ? { ...known, earlier } : undefined;
};

const versionOf = (path: string): string | undefined => {
  try {
    return fileVersion(path);
  } catch {
    return undefined;
  }
};

const loadCursor = (path: string, room: string): StoredPosition | undefined => {
  const content = loadText(path);
  // A new file may exist and be empty, as `mktemp` creates it.
  if (content === undefined || content.trim() === '') return undefined;
  const cursor = parseCursor(content);
  if (cursor === undefined)
    throw usageError(
      `--cursor-file ${path} contains no cursor`,
      'give the file of an earlier run, or a new one',
    );
  const { room: storedRoom, ...place } = cursor;
  if (storedRoom !== room)
    throw usageError(`--cursor-file ${path} belongs to another room`, 'use a separate file for each room');
  return place;
};

const loadText = (path: string): string | undefined => {
  try {
    return readRegularFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw usageError(`cannot read --cursor-file ${path}: ${describeSystemError(error)}`);
  }
};

/** Files of older versions have no hash. */
const isHash = (value: unknown): value is string | undefined =>
  value === undefined || (typeof value === 'string' && fromBase64url(value)?.length === ENTRY_HASH_BYTES);

const isRecent = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.length % HASH_LENGTH === 0 &&
  value.length <= MAX_RECENT * HASH_LENGTH &&
  /^[\w-]*$/.test(value);

const isEarlier = (value: unknown, position: number): value is NonNullable<StoredPosition['earlier']> => {
  const { n, hash } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return isCount(n) && n > 0 && n < position && hash !== undefined && isHash(hash);
};

const parseObject = (text: string): Readonly<Record<string, unknown>> => {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
