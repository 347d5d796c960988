import { foldNick } from '../../streams/wire/index.js';
import type { Heard, KeyRecord, Sight } from './keyRecord.js';

/** How many nicks of one room are kept. */
export const KNOWN_LIMIT = 2000;

/** Those that were met first stay, so many of them: a member with thousands of keys must not end what is known of them. */
export const FIRST_MET = 1000;

/** How many of them may have the same key: a member can write under as many as it likes. */
export const NICKS_PER_KEY = 20;

/** How many records wait in memory for a disk that takes them. */
export const KEPT_UNWRITTEN = 2000;

/** What all records say together. */
export interface KnownRecords {
  readonly take: (record: KeyRecord) => void;
  /** The keys of a room's nicks, by `foldNick`, the oldest first. */
  readonly keysOf: (room: string) => ReadonlyMap<string, string>;
  /** The newest times that keys gave in a room, in ms since 1970. */
  readonly timesOf: (room: string) => ReadonlyMap<string, number>;
  /** Whether a key is one of those whose times are kept: a nick of the room has it, or it is verified. */
  readonly isKnown: (room: string, key: string) => boolean;
  readonly verified: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
  /** How many nicks have made room for others. */
  readonly forgotten: number;
  /** The fewest records that say the same, and how many they are. */
  readonly count: number;
  readonly all: () => readonly KeyRecord[];
}

const isoOf = (ms: number): string => new Date(ms).toISOString();

const NONE: ReadonlyMap<string, never> = new Map<string, never>();

/** Sums up records, in the order in which they were written; holds no more than the limits allow. */
export const knownRecords = (): KnownRecords => {
  const rooms = new Map<string, RoomKeys>();
  const verified = new Set<string>();
  const ignored = new Set<string>();
  let forgotten = 0;

  const see = (sight: Sight): void => {
    const { type, room, nick, key } = sight;
    const known = rooms.get(room) ?? roomKeys();
    rooms.set(room, known);
    const name = foldNick(nick);
    const before = known.keys.get(name);
    // Of two first sights the first counts.
    if (before !== undefined && (type === 'seen' || before === key)) return;
    if (before !== undefined) known.remove(name);
    for (const crowded of [known.nicksOf(key).length >= NICKS_PER_KEY, known.keys.size >= KNOWN_LIMIT]) {
      if (!crowded) continue;
      const oldest = pushedOut(known, verified, key);
      if (oldest === undefined) continue;
      known.remove(oldest);
      forgotten += 1;
    }
    if (known.keys.size < KNOWN_LIMIT) known.add(name, sight);
    else forgotten += 1;
  };

  const isKnown = (room: string, key: string): boolean =>
    verified.has(key) || (rooms.get(room)?.nicksOf(key).length ?? 0) > 0;

  const hear = ({ room, key, time }: Heard): void => {
    if (!isKnown(room, key)) return;
    const known = rooms.get(room) ?? roomKeys();
    rooms.set(room, known);
    known.times.set(key, Math.max(known.times.get(key) ?? 0, Date.parse(time)));
  };

  return {
    take: (record) => {
      if (record.type === 'heard') hear(record);
      else if ('room' in record) see(record);
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
      ...[...rooms].flatMap(([room, { sights, times }]) => [
        ...sights.values(),
        ...Array.from(times, ([key, ms]) => ({ type: 'heard', time: isoOf(ms), room, key }) as const),
      ]),
    ],
  };
};

/** Who makes room for one more nick of a key: its own oldest if it has its share, else the oldest behind the `FIRST_MET`. */
const pushedOut = (
  { keys, nicksOf }: RoomKeys,
  verified: ReadonlySet<string>,
  key: string,
): string | undefined => {
  if (nicksOf(key).length >= NICKS_PER_KEY) return verified.has(key) ? undefined : nicksOf(key)[0];
  if (keys.size < KNOWN_LIMIT) return undefined;
  const unverified = [...keys].filter(([, its]) => !verified.has(its)).map(([nick]) => nick);
  return unverified[Math.min(FIRST_MET, unverified.length - 1)];
};

interface RoomKeys {
  readonly keys: ReadonlyMap<string, string>;
  /** The nicks of a key, the oldest first. */
  readonly nicksOf: (key: string) => readonly string[];
  readonly sights: ReadonlyMap<string, Sight>;
  readonly times: Map<string, number>;
  readonly add: (nick: string, sight: Sight) => void;
  readonly remove: (nick: string) => void;
}

const roomKeys = (): RoomKeys => {
  const keys = new Map<string, string>();
  const sights = new Map<string, Sight>();
  const times = new Map<string, number>();
  const nicks = new Map<string, readonly string[]>();
  const nicksOf = (key: string) => nicks.get(key) ?? [];
  return {
    keys,
    sights,
    times,
    nicksOf,
    add: (nick, sight) => {
      const { key } = sight;
      keys.set(nick, key);
      sights.set(nick, sight);
      nicks.set(key, [...nicksOf(key), nick]);
    },
    remove: (nick) => {
      const key = keys.get(nick) ?? '';
      keys.delete(nick);
      sights.delete(nick);
      const others = nicksOf(key).filter((each) => each !== nick);
      if (others.length === 0) {
        nicks.delete(key);
        times.delete(key);
      } else nicks.set(key, others);
    },
  };
};
