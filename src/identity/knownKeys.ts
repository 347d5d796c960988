import { join } from 'node:path';
import { foldNick } from '../../streams/wire/index.js';
import { IdentityError } from './privateFile.js';
import { formatKeyRecord, type KeyRecord, type KeyRecordFile, keyRecordFile } from './keyRecords.js';
import { MAX_UNWRITTEN_RECORDS, type KnownRecords, knownRecords } from './knownRecords.js';
import { isTransientNick } from './transientNick.js';

export { PROTECTED_NICKS, MAX_KNOWN_NICKS, MAX_NICKS_PER_KEY } from './knownRecords.js';

/** The keys of nicks that the user has seen, accepted, verified or ignored. */
export interface KnownKeys {
  /**
   * Returns the keys of the nicks of a room, by `foldNick`. Changes by other processes appear after the next
   * own change.
   */
  readonly keysOf: (room: string) => ReadonlyMap<string, string>;
  /**
   * Saves the first key of a nick, and returns the known key, which differs if the nick had another key before.
   * At most `MAX_NICKS_PER_KEY` nicks per key and `MAX_KNOWN_NICKS` per room are kept. Beyond that, the oldest
   * unverified nick after the first `PROTECTED_NICKS` is evicted. Transient nicks (`isTransientNick`) are never
   * saved.
   */
  readonly remember: (room: string, nick: string, key: string) => string;
  /** Saves a key for a nick, replacing the known one. */
  readonly accept: (room: string, nick: string, key: string) => void;
  /** Returns the newest message times of known keys of a room in earlier runs, in ms since 1970, by key. */
  readonly newestTimes: (room: string) => ReadonlyMap<string, number>;
  /** Saves newer times of known keys, and ignores those of other keys. */
  readonly saveTimes: (room: string, times: ReadonlyMap<string, number>) => void;
  /** Saves whether the user has verified the safety number of a key. */
  readonly setVerified: (key: string, yes: boolean) => void;
  readonly isVerified: (key: string) => boolean;
  /** Saves whether the user ignores a key. */
  readonly setIgnored: (key: string, yes: boolean) => void;
  /** Returns the ignored keys. */
  readonly ignored: () => ReadonlySet<string>;
  /**
   * Returns the numbers of the damaged lines, from 1. A nick of a damaged line counts as never seen, so warn
   * the user before trusting a new key.
   */
  readonly damagedLines: () => readonly number[];
  /** Returns the number of nicks that were evicted since it was opened. */
  readonly forgottenCount: () => number;
}

/** Returns the path of the known keys in the data directory. */
export const knownKeysPath = (dir: string): string => join(dir, 'known-keys');

/**
 * Opens the known keys of a directory. The file is append-only, one line per write, so that processes do not
 * overwrite each other, and it is read once. Throws `IdentityError`, also when saving.
 *
 * With `onError`, records that cannot be written stay in memory and are written with the next one that
 * succeeds. `onError` receives the error.
 */
export const openKnownKeys = (
  dir: string,
  now: () => number = Date.now,
  onError?: (error: IdentityError) => void,
): KnownKeys => {
  const file = keyRecordFile(knownKeysPath(dir));
  const records = knownRecords();
  const loadNew = () => {
    for (const record of file.read()) records.apply(record);
  };
  loadNew();
  compact(file, records);
  const forgottenBefore = records.forgotten;
  let unwritten: readonly KeyRecord[] = [];

  const add = (...added: readonly KeyRecord[]) => {
    // Only decisions of the user wait for the disk, so that strangers cannot cause disk syncs.
    const durable = added.some(({ type }) => type !== 'seen' && type !== 'heard');
    try {
      file.append([...unwritten, ...added].map(formatKeyRecord), durable);
      unwritten = [];
      loadNew();
      compact(file, records);
    } catch (error) {
      if (onError === undefined || !(error instanceof IdentityError)) throw error;
      try {
        loadNew();
      } catch {
        // The next change tries to read again.
      }
      unwritten = [...unwritten, ...added].slice(-MAX_UNWRITTEN_RECORDS);
      for (const record of added) records.apply(record);
      onError(error);
    }
  };
  const time = () => new Date(now()).toISOString();

  return {
    keysOf: records.keysOf,
    remember: (room, nick, key) => {
      if (!records.keysOf(room).has(foldNick(nick)) && !isTransientNick(nick))
        add({ type: 'seen', time: time(), room, nick, key });
      return records.keysOf(room).get(foldNick(nick)) ?? key;
    },
    accept: (room, nick, key) => {
      add({ type: 'accepted', time: time(), room, nick, key });
    },
    newestTimes: (room) => new Map(records.timesOf(room)),
    saveTimes: (room, times) => {
      const before = records.timesOf(room);
      const newer = [...times].filter(
        ([key, ms]) => records.isKnown(room, key) && ms > (before.get(key) ?? 0),
      );
      if (newer.length > 0)
        add(
          ...newer.map(
            ([key, ms]) => ({ type: 'heard', time: new Date(ms).toISOString(), room, key }) as const,
          ),
        );
    },
    setVerified: (key, yes) => {
      add({ type: yes ? 'verified' : 'unverified', time: time(), key });
    },
    isVerified: (key) => records.verified.has(key),
    setIgnored: (key, yes) => {
      add({ type: yes ? 'ignored' : 'unignored', time: time(), key });
    },
    ignored: () => records.ignored,
    damagedLines: () => file.damagedLines(),
    forgottenCount: () => records.forgotten - forgottenBefore,
  };
};

/**
 * A file of this many bytes is compacted if it has this many times as many records as needed. Strangers must
 * not fill the disk.
 */
const COMPACT_BYTES = 1_048_576;
const COMPACT_RATIO = 2;

const compact = (file: KeyRecordFile, records: KnownRecords): void => {
  if (
    file.size < COMPACT_BYTES ||
    file.count < COMPACT_RATIO * records.count ||
    file.damagedLines().length > 0
  )
    return;
  try {
    file.replace(records.all().map(formatKeyRecord));
  } catch {
    // The file stays larger than necessary.
  }
};
