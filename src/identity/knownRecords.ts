import { foldNick } from '../../streams/wire/index.js';
import type { ActivityRecord, KeyRecord, SeenRecord } from './keyRecords.js';

/** Maximum number of nicks per room. */
export const MAX_KNOWN_NICKS = 2000;

/**
 * Number of the oldest nicks that are never evicted, so that a member with thousands of keys cannot displace
 * them.
 */
export const PROTECTED_NICKS = 1000;

/** Maximum number of nicks per key, since a member can use any number of nicks. */
export const MAX_NICKS_PER_KEY = 20;

/** Maximum number of records in memory that could not be written yet. */
export const MAX_UNWRITTEN_RECORDS = 2000;

/** The combined content of all records. */
export interface KnownRecords {
  readonly apply: (record: KeyRecord) => void;
  /** Returns the keys of the nicks of a room by `foldNick`, the oldest first. */
  readonly keysOf: (room: string) => ReadonlyMap<string, string>;
  /** Returns the newest message time of each key of a room, in ms since 1970. */
  readonly timesOf: (room: string) => ReadonlyMap<string, number>;
  /** Whether the times of a key are saved: a nick of the room has it, or it is verified. */
  readonly isKnown: (room: string, key: string) => boolean;
  readonly verified: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
  /** Number of evicted nicks. */
  readonly forgotten: number;
  /** Minimum number of records with the same content, and those records. */
  readonly count: number;
  readonly all: () => readonly KeyRecord[];
}

const formatTime = (ms: number): string => new Date(ms).toISOString();

const NONE: ReadonlyMap<string, never> = new Map<string, never>();

/** Combines records in the order in which they were written, within the limits. */
export const knownRecords = (): KnownRecords => {
  const rooms = new Map<string, RoomRecords>();
  const verified = new Set<string>();
  const ignored = new Set<string>();
  let forgotten = 0;

  const applySeen = (record: SeenRecord): void => {
    const { type, room, nick, key } = record;
    const known = rooms.get(room) ?? roomRecords();
    rooms.set(room, known);
    const name = foldNick(nick);
    const before = known.keys.get(name);
    // The first record of a nick wins.
    if (before !== undefined && (type === 'seen' || before === key)) return;
    if (before !== undefined) known.remove(name);
    for (const isCrowded of [
      known.nicksOf(key).length >= MAX_NICKS_PER_KEY,
      known.keys.size >= MAX_KNOWN_NICKS,
    ]) {
      if (!isCrowded) continue;
      const oldest = nickToEvict(known, verified, key);
      if (oldest === undefined) continue;
      known.remove(oldest);
      forgotten += 1;
    }
    if (known.keys.size < MAX_KNOWN_NICKS) known.add(name, record);
    else forgotten += 1;
  };

  const isKnown = (room: string, key: string): boolean =>
    verified.has(key) || (rooms.get(room)?.nicksOf(key).length ?? 0) > 0;

  const applyActivity = ({ room, key, time }: ActivityRecord): void => {
    if (!isKnown(room, key)) return;
    const known = rooms.get(room) ?? roomRecords();
    rooms.set(room, known);
    known.times.set(key, Math.max(known.times.get(key) ?? 0, Date.parse(time)));
  };

  return {
    apply: (record) => {
      if (record.type === 'heard') applyActivity(record);
      else if ('room' in record) applySeen(record);
      else {
        const keys = record.type === 'verified' || record.type === 'unverified' ? verified : ignored;
        if (record.type === 'verified' || record.type === 'ignored') keys.add(record.key);
        else keys.delete(record.key);
      }
    },
    keysOf: (room) => rooms.get(room)?.keys ?? NONE,
    timesOf: (room) => rooms.get(room)?.times ?? NONE,
    isKnown,
    verified,
    ignored,
    get forgotten() {
      return forgotten;
    },
    get count() {
      return (
        verified.size +
        ignored.size +
        [...rooms.values()].reduce((sum, { keys, times }) => sum + keys.size + times.size, 0)
      );
    },
    all: () => [
      ...[...verified].map((key) => ({ type: 'verified', time: '', key }) as const),
      ...[...ignored].map((key) => ({ type: 'ignored', time: '', key }) as const),
      ...[...rooms].flatMap(([room, { seenRecords, times }]) => [
        ...seenRecords.values(),
        ...Array.from(times, ([key, ms]) => ({ type: 'heard', time: formatTime(ms), room, key }) as const),
      ]),
    ],
  };
};

/**
 * Returns the nick to evict for another nick of a key, if any. It is the oldest nick of the key if the key has
 * its maximum, else the oldest after the first `PROTECTED_NICKS`.
 */
const nickToEvict = (
  { keys, nicksOf }: RoomRecords,
  verified: ReadonlySet<string>,
  key: string,
): string | undefined => {
  if (nicksOf(key).length >= MAX_NICKS_PER_KEY) return verified.has(key) ? undefined : nicksOf(key)[0];
  if (keys.size < MAX_KNOWN_NICKS) return undefined;
  const unverified = [...keys].filter(([, ofNick]) => !verified.has(ofNick)).map(([nick]) => nick);
  return unverified[Math.min(PROTECTED_NICKS, unverified.length - 1)];
};

interface RoomRecords {
  readonly keys: ReadonlyMap<string, string>;
  /** Returns the nicks of a key, the oldest first. */
  readonly nicksOf: (key: string) => readonly string[];
  readonly seenRecords: ReadonlyMap<string, SeenRecord>;
  readonly times: Map<string, number>;
  readonly add: (nick: string, record: SeenRecord) => void;
  readonly remove: (nick: string) => void;
}

const roomRecords = (): RoomRecords => {
  const keys = new Map<string, string>();
  const seenRecords = new Map<string, SeenRecord>();
  const times = new Map<string, number>();
  const nicks = new Map<string, readonly string[]>();
  const nicksOf = (key: string) => nicks.get(key) ?? [];
  return {
    keys,
    seenRecords,
    times,
    nicksOf,
    add: (nick, record) => {
      const { key } = record;
      keys.set(nick, key);
      seenRecords.set(nick, record);
      nicks.set(key, [...nicksOf(key), nick]);
    },
    remove: (nick) => {
      const key = keys.get(nick) ?? '';
      keys.delete(nick);
      seenRecords.delete(nick);
      const others = nicksOf(key).filter((each) => each !== nick);
      if (others.length === 0) {
        nicks.delete(key);
        times.delete(key);
      } else nicks.set(key, others);
    },
  };
};
