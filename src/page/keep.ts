import type { Identity } from '../../streams/client/index.js';
import { foldNick, fromBase64url, toBase64url } from '../../streams/wire/index.js';
import { SEED_BYTES, signingKey } from '../browser/signingKey.js';
import { randomBytes } from '../crypto/random.js';

/** How many nicks of one room are kept: a member can write under as many as it likes. */
const KNOWN_LIMIT = 2000;

/** What a browser keeps for a page; where it keeps nothing, for as long as the page is open. */
const kept = (storage: () => Storage) => {
  const own = new Map<string, string>();
  const read = (name: string): string | undefined => {
    try {
      return storage().getItem(`rxchat.${name}`) ?? own.get(name);
    } catch {
      return own.get(name);
    }
  };
  const write = (name: string, value: string): void => {
    own.set(name, value);
    try {
      storage().setItem(`rxchat.${name}`, value);
    } catch {
      // It is full, or the browser allows none.
    }
  };
  return { read, write };
};

const local = kept(() => window.localStorage);
const ofTab = kept(() => window.sessionStorage);

/** What is kept for this tab alone. A duplicated tab begins with a copy. */
export const readOfTab = (name: string): string | undefined => ofTab.read(name);
export const keepOfTab = (name: string, value: string): void => {
  ofTab.write(name, value);
};

/** What was kept as JSON, where it is of that shape. */
export const parsed = <T>(
  text: string | undefined,
  isRight: (value: unknown) => value is T,
): T | undefined => {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isRight(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');
const isPairs = (value: unknown): value is [string, string][] =>
  Array.isArray(value) && value.every((each) => isTexts(each) && each.length === 2);

/** The nick of this tab, or the last one of any. */
export const readNick = (): string => ofTab.read('nick') ?? local.read('nick') ?? '';
export const keepNick = (nick: string): void => {
  ofTab.write('nick', nick);
  local.write('nick', nick);
};

/** Who sits at this browser; made once. Whoever can read what it keeps is the same person. */
export const openIdentity = (): Identity => {
  const seed = fromBase64url(local.read('identity') ?? '');
  if (seed?.length === SEED_BYTES) return signingKey(seed);
  const made = randomBytes(SEED_BYTES);
  local.write('identity', toBase64url(made));
  return signingKey(made);
};

/** Whom somebody knows. */
export interface Keys {
  /** The keys of a room's nicks, by `foldNick`. */
  readonly known: () => Map<string, string>;
  readonly isVerified: (key: string) => boolean;
  /** Keeps the key that a nick was first seen with, or that a person takes for it. */
  readonly accept: (nick: string, key: string) => void;
  /** Keeps whether the person has compared the safety number of this key. */
  readonly verify: (key: string, yes: boolean) => void;
}

/** Whose key is which in a room, and which keys were compared; read again each time, since other tabs write too. */
export const openKeys = (room: string): Keys => {
  const name = `known.${room}`;
  const known = () => new Map(parsed(local.read(name), isPairs) ?? []);
  const verified = () => new Set(parsed(local.read('verified'), isTexts) ?? []);
  return {
    known,
    isVerified: (key: string): boolean => verified().has(key),
    accept: (nick: string, key: string): void => {
      const keys = known();
      if (keys.size < KNOWN_LIMIT || keys.has(foldNick(nick)))
        local.write(name, JSON.stringify([...keys.set(foldNick(nick), key)]));
    },
    verify: (key: string, yes: boolean): void => {
      const keys = verified();
      if (yes) keys.add(key);
      else keys.delete(key);
      local.write('verified', JSON.stringify([...keys]));
    },
  };
};
