import { createHash } from 'node:crypto';
import { fromBase64url } from '../../streams/wire/index.js';

/** One line of what is known about keys. */
export type KeyRecord = Sight | Check | Heard;

/** A nick in a room, seen with a key for the first time, or with one that the person has taken for it. */
export interface Sight {
  readonly type: 'seen' | 'accepted';
  /** ISO 8601. */
  readonly time: string;
  readonly room: string;
  readonly nick: string;
  readonly key: string;
}

/** Whether the person has compared the safety number of a key, or wants to read nothing of it. */
interface Check {
  readonly type: 'verified' | 'unverified' | 'ignored' | 'unignored';
  readonly time: string;
  readonly key: string;
}

/** That a key has said something in a room. */
export interface Heard {
  readonly type: 'heard';
  /** The newest time that its messages gave, in ISO 8601. */
  readonly time: string;
  readonly room: string;
  readonly key: string;
}

/** A record as its line, without the newline: the start of its hash, so that a changed nick is noticed, and JSON. */
export const encodeRecord = (record: KeyRecord): string => {
  const json = JSON.stringify(record);
  return `${checkOf(json)} ${json}`;
};

/** Reads a line; `undefined` where it is damaged, or a newer version wrote it. */
export const readRecord = (line: string): KeyRecord | undefined => {
  const [, check, json] = /^([\w-]+) (\{.*\})$/s.exec(line) ?? [];
  if (json === undefined || check !== checkOf(json)) return undefined;
  const record = parse(json);
  return record !== undefined && isRecord(record) ? record : undefined;
};

const checkOf = (json: string): string => createHash('sha256').update(json).digest('base64url').slice(0, 11);

const parse = (json: string): Partial<KeyRecord> | undefined => {
  try {
    return JSON.parse(json) as Partial<KeyRecord>;
  } catch {
    return undefined;
  }
};

const isKey = (text: unknown): boolean => typeof text === 'string' && fromBase64url(text)?.length === 32;

const CHECKS: readonly unknown[] = ['verified', 'unverified', 'ignored', 'unignored'];

const isCheck = (type: unknown): boolean => CHECKS.includes(type);

const isRecord = (record: Partial<KeyRecord>): record is KeyRecord => {
  if (!isKey(record.key)) return false;
  if (record.type === 'heard') return typeof record.room === 'string' && isTime(record.time);
  if (isCheck(record.type)) return true;
  if (record.type !== 'seen' && record.type !== 'accepted') return false;
  const { nick, room } = record;
  return typeof nick === 'string' && typeof room === 'string';
};

const isTime = (text: unknown): boolean => typeof text === 'string' && !Number.isNaN(Date.parse(text));
