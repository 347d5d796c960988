import type { Identity } from '../../streams/client/index.js';
import { foldNick, fromBase64url, toBase64url } from '../../streams/wire/index.js';
import { signingKey } from '../browser/nobleKeys.js';
import { randomBytes } from '../crypto/random.js';
import { SEED_BYTES } from '../crypto/roomKeys.js';
import { parseJson } from '../util/json.js';

/** Maximum number of nicks per room, since a member can use any number of nicks. */
const MAX_KNOWN_NICKS = 2000;

/** Creates a storage that falls back to memory if the browser stores nothing. */
const createStorage = (storage: () => Storage) => {
  const fallback = new Map<string, string>();
  const read = (name: string): string | undefined => {
    try {
      return storage().getItem(`rxchat.${name}`) ?? fallback.get(name);
    } catch {
      return fallback.get(name);
    }
  };
  const write = (name: string, value: string): void => {
    fallback.set(name, value);
    try {
      storage().setItem(`rxchat.${name}`, value);
    } catch {
      // The storage is full or disabled.
    }
  };
  return { read, write };
};

const sharedStorage = createStorage(() => window.localStorage);
const tabStorage = createStorage(() => window.sessionStorage);

/** Loads and saves values of this tab. A duplicated tab starts with a copy. */
export const loadForTab = (name: string): string | undefined => tabStorage.read(name);
export const saveForTab = (name: string, value: string): void => {
  tabStorage.write(name, value);
};

/** Parses stored JSON, or returns `undefined` if it has another shape. */
export const parseStored = <T>(
  text: string | undefined,
  isValid: (value: unknown) => value is T,
): T | undefined => {
  const value = parseJson(text ?? '');
  return isValid(value) ? value : undefined;
};

const isStringArray = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
const isPairArray = (value: unknown): value is [string, string][] =>
  Array.isArray(value) && value.every((item) => isStringArray(item) && item.length === 2);

/** Loads the nick of this tab, or the last one of any tab. */
export const loadNick = (): string => tabStorage.read('nick') ?? sharedStorage.read('nick') ?? '';
export const saveNick = (nick: string): void => {
  tabStorage.write('nick', nick);
  sharedStorage.write('nick', nick);
};

/** Loads the identity of this browser, or creates it. Anyone who can read the storage has the same identity. */
export const openIdentity = (): Identity => {
  const seed = fromBase64url(sharedStorage.read('identity') ?? '');
  if (seed?.length === SEED_BYTES) return signingKey(seed);
  const newSeed = randomBytes(SEED_BYTES);
  sharedStorage.write('identity', toBase64url(newSeed));
  return signingKey(newSeed);
};

/** The keys that the user knows. */
export interface KnownKeys {
  /** Returns the keys of the nicks of a room, by `foldNick`. */
  readonly known: () => Map<string, string>;
  readonly isVerified: (key: string) => boolean;
  /** Saves the first key of a nick, or the key that the user accepts for it. */
  readonly accept: (nick: string, key: string) => void;
  /** Saves whether the user has verified the safety number of a key. */
  readonly setVerified: (key: string, yes: boolean) => void;
}

/** Opens the known keys of a room and the verified keys. Reads them each time, since other tabs write too. */
export const openKnownKeys = (room: string): KnownKeys => {
  const name = `known.${room}`;
  const known = () => new Map(parseStored(sharedStorage.read(name), isPairArray) ?? []);
  const verified = () => new Set(parseStored(sharedStorage.read('verified'), isStringArray) ?? []);
  return {
    known,
    isVerified: (key: string): boolean => verified().has(key),
    accept: (nick: string, key: string): void => {
      const keys = known();
      if (keys.size < MAX_KNOWN_NICKS || keys.has(foldNick(nick)))
        sharedStorage.write(name, JSON.stringify([...keys.set(foldNick(nick), key)]));
    },
    setVerified: (key: string, yes: boolean): void => {
      const keys = verified();
      if (yes) keys.add(key);
      else keys.delete(key);
      sharedStorage.write('verified', JSON.stringify([...keys]));
    },
  };
};
