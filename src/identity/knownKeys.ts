import { join } from 'node:path';
import { foldNick } from '../../streams/wire/index.js';
import { IdentityError } from './errors.js';
import { encodeRecord, type KeyRecord } from './keyRecord.js';
import { type KeyRecordFile, keyRecordFile } from './keyRecordFile.js';
import { KEPT_UNWRITTEN, type KnownRecords, knownRecords } from './knownRecords.js';
import { isTransientNick } from './transientNick.js';

export { FIRST_MET, KNOWN_LIMIT, NICKS_PER_KEY } from './knownRecords.js';

/** Whose key is which, as this person has seen and checked it. */
export interface KnownKeys {
  /** The keys of a room's nicks, by `foldNick`. What other processes add is there after the next change of one's own. */
  readonly known: (room: string) => ReadonlyMap<string, string>;
  /**
   * Keeps the key that a nick was first seen with, and returns the key that is known for it: another one, if the nick
   * was seen with that before, be it by another process. Of a key at most `NICKS_PER_KEY` nicks are kept and of a room
   * at most `KNOWN_LIMIT`: of those met after the first `FIRST_MET` the oldest whose key was never verified make room. A nick that was made for one run
   * (`isTransientNick`) is never kept.
   */
  readonly remember: (room: string, nick: string, key: string) => string;
  /** Takes a key for a nick, whatever was known. */
  readonly accept: (room: string, nick: string, key: string) => void;
  /** The newest times that known keys gave in a room in earlier runs, in ms since 1970, by key. */
  readonly newestTimes: (room: string) => ReadonlyMap<string, number>;
  /** Keeps newer times of known keys; those of others are left out. */
  readonly keepTimes: (room: string, times: ReadonlyMap<string, number>) => void;
  /** Keeps whether the person has compared the safety number of this key. */
  readonly verify: (key: string, yes: boolean) => void;
  readonly isVerified: (key: string) => boolean;
  /** Keeps whether the person wants to read nothing of this key. */
  readonly ignore: (key: string, yes: boolean) => void;
  /** The keys of which the person wants to read nothing. */
  readonly ignored: () => ReadonlySet<string>;
  /**
   * The lines of the file that cannot be read, from 1. A nick whose line this was counts as never seen, so this is to be
   * told before a first sight is believed.
   */
  readonly damaged: () => readonly number[];
  /** How many nicks have made room for others since it was opened. */
  readonly forgotten: () => number;
}

/** Where known keys are kept in the directory for data. */
export const knownKeysFile = (dir: string): string => join(dir, 'known-keys');

/**
 * The known keys that are kept in a directory. The file only ever grows at its end, a line a write, so that processes
 * do not lose each other's, and is read only once. Throws `IdentityError`, here and when something is kept. With
 * `failed`, what cannot be written is known until the process ends, is written as soon as the disk takes it, and
 * `failed` gets the error.
 */
export const openKnownKeys = (
  dir: string,
  now: () => number = Date.now,
  failed?: (error: IdentityError) => void,
): KnownKeys => {
  const file = keyRecordFile(knownKeysFile(dir));
  const records = knownRecords();
  const takeNew = () => {
    for (const record of file.read()) records.take(record);
  };
  takeNew();
  compact(file, records);
  const forgottenBefore = records.forgotten;
  let unwritten: readonly KeyRecord[] = [];

  const add = (...added: readonly KeyRecord[]) => {
    // Only what a person has decided is worth waiting for the disk: what strangers do must not make it work.
    const durable = added.some(({ type }) => type !== 'seen' && type !== 'heard');
    try {
      file.append([...unwritten, ...added].map(encodeRecord), durable);
      unwritten = [];
      takeNew();
      compact(file, records);
    } catch (error) {
      if (failed === undefined || !(error instanceof IdentityError)) throw error;
      try {
        takeNew();
      } catch {
        // What cannot be read either is tried again with the next.
      }
      unwritten = [...unwritten, ...added].slice(-KEPT_UNWRITTEN);
      for (const record of added) records.take(record);
      failed(error);
    }
  };
  const time = () => new Date(now()).toISOString();

  return {
    known: records.keysOf,
    remember: (room, nick, key) => {
      if (!records.keysOf(room).has(foldNick(nick)) && !isTransientNick(nick))
        add({ type: 'seen', time: time(), room, nick, key });
      return records.keysOf(room).get(foldNick(nick)) ?? key;
    },
    accept: (room, nick, key) => {
      add({ type: 'accepted', time: time(), room, nick, key });
    },
    newestTimes: (room) => new Map(records.timesOf(room)),
    keepTimes: (room, times) => {
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
    verify: (key, yes) => {
      add({ type: yes ? 'verified' : 'unverified', time: time(), key });
    },
    isVerified: (key) => records.verified.has(key),
    ignore: (key, yes) => {
      add({ type: yes ? 'ignored' : 'unignored', time: time(), key });
    },
    ignored: () => records.ignored,
    damaged: () => file.damaged(),
    forgotten: () => records.forgotten - forgottenBefore,
  };
};

/** A file of so many bytes is rewritten, if so many times fewer records say the same: strangers must not fill the disk. */
const LARGE_BYTES = 1_048_576;
const WASTE = 2;

const compact = (file: KeyRecordFile, records: KnownRecords): void => {
  if (file.size < LARGE_BYTES || file.count < WASTE * records.count || file.damaged().length > 0) return;
  try {
    file.replace(records.all().map(encodeRecord));
  } catch {
    // It is only larger than it need be.
  }
};
