import { join } from 'node:path';
import { foldNick } from '../../streams/wire/index.js';
import { encodeRecord, readRecord, type KeyRecord } from './keyRecord.js';
import { isTransientNick } from './transientNick.js';
import { appendOwnFile, readOwnFile } from './ownFile.js';

/** How many nicks of one room are kept: a member can write under as many as it likes. */
export const KNOWN_LIMIT = 2000;

/** Whose key is which, as this person has seen and checked it. */
export interface KnownKeys {
  /** The keys of a room's nicks, by `foldNick`. What other processes add is there after the next change of one's own. */
  readonly known: (room: string) => ReadonlyMap<string, string>;
  /**
   * Keeps the key that a nick was first seen with, and gives the key that is known for it: another one, where the nick
   * was seen with that before, be it by another process. Above `KNOWN_LIMIT` nicks nothing more is kept; nor ever a
   * nick that was made for one run (`isTransientNick`).
   */
  readonly remember: (room: string, nick: string, key: string) => string;
  /** Takes a key for a nick, whatever was known. */
  readonly accept: (room: string, nick: string, key: string) => void;
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
}

/** Where known keys are kept in the directory for data. */
export const knownKeysFile = (dir: string): string => join(dir, 'known-keys');

/**
 * The known keys that are kept in a directory. The file only ever grows at its end, a line a write, so that processes
 * do not lose each other's. Throws `IdentityError`, here and where something is kept.
 */
export const openKnownKeys = (dir: string, now: () => number = Date.now): KnownKeys => {
  const path = knownKeysFile(dir);
  let state = readAll(path);
  const add = (record: KeyRecord) => {
    appendOwnFile(path, `${state.isCut ? '\n' : ''}${encodeRecord(record)}\n`);
    state = readAll(path);
  };
  const keysOf = (room: string): ReadonlyMap<string, string> => state.rooms.get(room) ?? new Map();
  const time = () => new Date(now()).toISOString();

  return {
    known: keysOf,
    remember: (room, nick, key) => {
      const known = keysOf(room);
      if (!known.has(foldNick(nick)) && !isTransientNick(nick) && known.size < KNOWN_LIMIT)
        add({ type: 'seen', time: time(), room, nick, key });
      return keysOf(room).get(foldNick(nick)) ?? key;
    },
    accept: (room, nick, key) => {
      add({ type: 'accepted', time: time(), room, nick, key });
    },
    verify: (key, yes) => {
      add({ type: yes ? 'verified' : 'unverified', time: time(), key });
    },
    isVerified: (key) => state.verified.has(key),
    ignore: (key, yes) => {
      add({ type: yes ? 'ignored' : 'unignored', time: time(), key });
    },
    ignored: () => state.ignored,
    damaged: () => state.damaged,
  };
};

interface State {
  readonly rooms: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly verified: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
  readonly damaged: readonly number[];
  /** Whether the last line has no end: whoever wrote it did not come to it. */
  readonly isCut: boolean;
}

const readAll = (path: string): State => {
  const text = readOwnFile(path) ?? '';
  const rooms = new Map<string, Map<string, string>>();
  const verified = new Set<string>();
  const ignored = new Set<string>();
  const damaged: number[] = [];

  const take = (record: KeyRecord) => {
    if (!('room' in record)) {
      const keys = record.type === 'verified' || record.type === 'unverified' ? verified : ignored;
      if (record.type === 'verified' || record.type === 'ignored') keys.add(record.key);
      else keys.delete(record.key);
      return;
    }
    const keys = rooms.get(record.room) ?? new Map<string, string>();
    rooms.set(record.room, keys);
    const nick = foldNick(record.nick);
    // Of two first sights the first counts.
    if (record.type === 'accepted' || !keys.has(nick)) keys.set(nick, record.key);
  };
  text.split('\n').forEach((line, at) => {
    if (line === '') return;
    const record = readRecord(line);
    if (record === undefined) damaged.push(at + 1);
    else take(record);
  });
  return { rooms, verified, ignored, damaged, isCut: text !== '' && !text.endsWith('\n') };
};
