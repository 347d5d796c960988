import { createHash } from 'node:crypto';
import { fromBase64url } from '../../streams/wire/index.js';

/** One line of what is known about keys. */
export type KeyRecord = Sight | Check;

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

const parse = (json: string): Partial<Sight | Check> | undefined => {
  try {
    return JSON.parse(json) as Partial<Sight | Check>;
  } catch {
    return undefined;
  }
};

const isKey = (text: unknown): boolean => typeof text === 'string' && fromBase64url(text)?.length === 32;

const CHECKS: readonly unknown[] = ['verified', 'unverified', 'ignored', 'unignored'];

const isCheck = (type: unknown): boolean => CHECKS.includes(type);

const isRecord = (record: Partial<Sight | Check>): record is KeyRecord => {
  if (!isKey(record.key)) return false;
  if (isCheck(record.type)) return true;
  return (
    (record.type === 'seen' || record.type === 'accepted') &&
    typeof record.nick === 'string' &&
    typeof record.room === 'string'
  );
};
