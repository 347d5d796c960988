import { createHash } from 'node:crypto';
import { fromBase64url } from '../../streams/wire/index.js';
import { parseJson } from '../util/json.js';
import { appendPrivateFile, readPrivateTail, replacePrivateFile } from './privateFile.js';

/** One line of the file of known keys. */
export type KeyRecord = SeenRecord | DecisionRecord | ActivityRecord;

/** A nick in a room with a key: seen for the first time, or accepted by the user. */
export interface SeenRecord {
  readonly type: 'seen' | 'accepted';
  /** ISO 8601. */
  readonly time: string;
  readonly room: string;
  readonly nick: string;
  readonly key: string;
}

/** A decision of the user about a key: verified by its safety number, or ignored. */
interface DecisionRecord {
  readonly type: 'verified' | 'unverified' | 'ignored' | 'unignored';
  readonly time: string;
  readonly key: string;
}

/** A key has sent messages in a room. */
export interface ActivityRecord {
  readonly type: 'heard';
  /** The newest time of its messages, in ISO 8601. */
  readonly time: string;
  readonly room: string;
  readonly key: string;
}

/** Formats a record as a line without newline: the start of its hash, which detects changes, and JSON. */
export const formatKeyRecord = (record: KeyRecord): string => {
  const json = JSON.stringify(record);
  return `${checksum(json)} ${json}`;
};

/** Parses a line, or returns `undefined` if it is damaged or of a newer version. */
export const parseKeyRecord = (line: string): KeyRecord | undefined => {
  const [, expected, json] = /^([\w-]+) (\{.*\})$/s.exec(line) ?? [];
  if (json === undefined || expected !== checksum(json)) return undefined;
  const record = parseJson(json) as Partial<KeyRecord> | undefined;
  return record !== undefined && isRecord(record) ? record : undefined;
};

const checksum = (json: string): string => createHash('sha256').update(json).digest('base64url').slice(0, 11);

const isKey = (text: unknown): boolean => typeof text === 'string' && fromBase64url(text)?.length === 32;

const DECISIONS: readonly unknown[] = ['verified', 'unverified', 'ignored', 'unignored'];

const isDecision = (type: unknown): boolean => DECISIONS.includes(type);

const isRecord = (record: Partial<KeyRecord>): record is KeyRecord => {
  if (!isKey(record.key)) return false;
  if (record.type === 'heard') return typeof record.room === 'string' && isTime(record.time);
  if (isDecision(record.type)) return true;
  if (record.type !== 'seen' && record.type !== 'accepted') return false;
  const { nick, room } = record;
  return typeof nick === 'string' && typeof room === 'string';
};

const isTime = (text: unknown): boolean => typeof text === 'string' && !Number.isNaN(Date.parse(text));

/** A file with one key record per line, which several processes append to. */
export interface KeyRecordFile {
  /**
   * Returns the records added since the last call, by any process. Returns all at first. Throws
   * `IdentityError`.
   */
  readonly read: () => readonly KeyRecord[];
  /**
   * Appends lines in one write. Throws `IdentityError`. After an error call `read` first, since half a line may
   * have been written.
   */
  readonly append: (lines: readonly string[], durable: boolean) => void;
  /** Number of bytes and lines that were read. */
  readonly size: number;
  readonly count: number;
  /**
   * Replaces what was read by equivalent lines, and keeps what other processes append meanwhile. Throws
   * `IdentityError`.
   */
  readonly replace: (lines: readonly string[]) => void;
  /** Returns the numbers of the damaged lines, from 1. */
  readonly damagedLines: () => readonly number[];
}

const NEWLINE = 0x0a;

/** Opens a file of key records. It reads each byte once, however often records are appended. */
export const keyRecordFile = (path: string): KeyRecordFile => {
  let file: number | undefined;
  let size = 0;
  let count = 0;
  let damaged: number[] = [];
  /** The last line if it has no newline, because its writer was interrupted. */
  let partialLine: Buffer = Buffer.alloc(0);

  const parseLine = (line: string): readonly KeyRecord[] => {
    count += 1;
    if (line === '') return [];
    const record = parseKeyRecord(line);
    if (record !== undefined) return [record];
    damaged.push(count);
    return [];
  };

  const read = (): readonly KeyRecord[] => {
    const tail = readPrivateTail(path, size, file);
    if (tail === undefined) return [];
    if (tail.isWhole) {
      [size, count, damaged, partialLine] = [0, 0, [], Buffer.alloc(0)];
      file = tail.file;
    }
    size += tail.bytes.length;
    const bytes = Buffer.concat([partialLine, tail.bytes]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    partialLine = bytes.subarray(end);
    return end === 0
      ? []
      : bytes
          .toString('utf8', 0, end - 1)
          .split('\n')
          .flatMap(parseLine);
  };

  return {
    read,
    append: (lines, durable) => {
      const text = lines.map((line) => `${line}\n`).join('');
      appendPrivateFile(path, `${partialLine.length === 0 ? '' : '\n'}${text}`, durable);
    },
    get size() {
      return size;
    },
    get count() {
      return count;
    },
    replace: (lines) => {
      replacePrivateFile(path, lines.map((line) => `${line}\n`).join(''), size);
    },
    damagedLines: () => (partialLine.length === 0 ? damaged : [...damaged, count + 1]),
  };
};
