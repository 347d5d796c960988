import {
  catchError,
  filter,
  finalize,
  map,
  type MonoTypeOperatorFunction,
  switchMap,
  throwError,
} from 'rxjs';
import { type ContactCommands, contactCommands } from './contactCommands.js';
import type { ClientEvent, Identity, KeyChanged, Message } from '../../../streams/client/index.js';
import { foldNick } from '../../../streams/wire/index.js';
import { openKnownKeys } from '../../identity/knownKeys.js';
import { isTransientNick } from '../../identity/transientNick.js';
import { createIdentity } from '../../crypto/nodeKeys.js';
import { endOfTick$ } from '../../relay/endOfTick.js';
import { KEY_CHANGE_POLICIES } from '../args/choices.js';
import { CliError, Exit, printNote } from '../process/exit.js';
import { choiceFlag, type Flags } from '../args/flags.js';
import type { JoinRoomOptions } from '../../platform/createJoinRoom.js';
import { once } from '../../util/once.js';
import { lruMap } from '../../../streams/rx/lruMap.js';
import { dataDir } from '../process/environment.js';
import { IdentityError } from '../../identity/privateFile.js';
import { openIdentity } from '../../identity/openIdentity.js';

/** Own identity and the known keys of a room, from this run and earlier ones. */
export interface Contacts extends ContactCommands {
  readonly identity: Identity;
  /** Keys of nicks that earlier runs have saved. */
  readonly knownKeys: ReadonlyMap<string, string>;
  /** Newest time that each known key sent in earlier runs, in ms since 1970. */
  readonly newestTimeMs: ReadonlyMap<string, number>;
  /** Whether a key is the user's own, or the user has compared its safety number. */
  readonly isVerified: (key: string) => boolean;
  /** Whether a message's nick is known with a key other than the message's. */
  readonly isChanged: (who: Pick<Message, 'nick' | 'key'>) => boolean;
  /**
   * Records which key belongs to which nick. A nick with a changed key is reported once as `key-changed`; the
   * new key is saved only with `--accept-key`.
   */
  readonly recordKeys: () => MonoTypeOperatorFunction<ClientEvent>;
  /**
   * Records keys as `recordKeys` does and applies `--on-key-change`. That policy marks or drops messages with
   * a changed key, or errors with exit code 5.
   */
  readonly applyKeyChangePolicy: (flags: Flags) => MonoTypeOperatorFunction<ClientEvent>;
  readonly isIgnored: (key: string) => boolean;
  /** Returns the key of a nick's latest message, or `undefined` if it sent none. */
  readonly keyOf: (nick: string) => string | undefined;
}

/** Maximum number of nicks and keys that a run remembers without saving them. */
const MAX_CACHED = 4096;

/**
 * Opens the contacts in the data directory. Throws `IdentityError` if they cannot be read. Reports once if
 * they cannot be written.
 */
export const openContacts = (room: string, flags: Flags): Contacts => {
  const dir = dataDir();
  const identity = loadIdentity(dir);
  const reportOnce = once((text: string) => {
    printNote(text);
  });
  const keys = openKnownKeys(dir, Date.now, ({ message }) => {
    reportOnce(`${message}; known keys are kept in memory until this command ends`);
  });
  const reportForgotten = once((count: number) => {
    printNote(`too many nicks to remember: ${count} unverified ones were forgotten so far`);
  });
  const acceptsChanges = flags['acceptKey'] === true;
  /** Newest key of each nick that has sent a message. */
  const newestKeys = lruMap(MAX_CACHED, keys.keysOf(room));
  /** First keys of nicks that are not saved. */
  const firstKeys = lruMap<string, string>(MAX_CACHED);
  const reported = lruMap<string, true>(MAX_CACHED);
  const messageTimes = newestMessageTimes(keys.newestTimes(room));

  for (const line of keys.damagedLines()) printNote(`line ${line} of the known keys is damaged and ignored`);

  const isVerified = (key: string) => key === identity.key || keys.isVerified(key);
  const knownKeyOf = (name: string) => keys.keysOf(room).get(name) ?? firstKeys.get(name);

  const isChanged = ({ nick, key }: Pick<Message, 'nick' | 'key'>): boolean => {
    // With `--accept-key`, every new key is accepted as it arrives.
    if (acceptsChanges) return false;
    const known = knownKeyOf(foldNick(nick));
    return known !== undefined && known !== key && key !== identity.key;
  };

  const handleKeyChange = (event: KeyChanged): ClientEvent | undefined => {
    const { nick, key } = event;
    const name = foldNick(nick);
    if (acceptsChanges) {
      keys.accept(room, nick, key);
      firstKeys.set(name, key);
      return event;
    }
    const known = knownKeyOf(name) ?? event.before;
    if (!keys.keysOf(room).has(name)) firstKeys.set(name, known);
    // The known key is back, or this change was reported before.
    if (known === key || reported.get(`${key} ${name}`) === true) return undefined;
    reported.set(`${key} ${name}`, true);
    return { ...event, before: known };
  };

  const record = (event: ClientEvent): ClientEvent | undefined => {
    if (event.type === 'message') {
      newestKeys.set(foldNick(event.nick), event.key);
      messageTimes.add(event);
    }
    if (event.type === 'key-changed') return handleKeyChange(event);
    if (event.type !== 'first-seen') return event;
    // Another process may have saved this nick with a different key in the meantime.
    const before = keys.remember(room, event.nick, event.key);
    if (keys.forgottenCount() > 0) reportForgotten(keys.forgottenCount());
    if (before !== event.key) return handleKeyChange({ ...event, type: 'key-changed', before });
    firstKeys.set(foldNick(event.nick), event.key);
    // The person is known, and a transient nick does not come back: a report each time would be noise.
    return isTransientNick(event.nick) && isVerified(event.key) ? undefined : event;
  };

  const recordKeys: MonoTypeOperatorFunction<ClientEvent> = (event$) =>
    event$.pipe(
      map((event) => {
        const recorded = record(event);
        if (messageTimes.isSaveDue()) keys.saveTimes(room, messageTimes.all());
        return recorded;
      }),
      filter((event) => event !== undefined),
      finalize(() => {
        keys.saveTimes(room, messageTimes.all());
      }),
    );

  const applyKeyChangePolicy = (given: Flags): MonoTypeOperatorFunction<ClientEvent> => {
    const policy = choiceFlag(given, 'onKeyChange', KEY_CHANGE_POLICIES);
    if (policy === 'mark') return (event$) => event$.pipe(recordKeys, delayError);
    if (policy === 'skip')
      return (event$) =>
        event$.pipe(
          recordKeys,
          filter((event) => event.type !== 'message' || !isChanged(event)),
          delayError,
        );
    return (event$) =>
      event$.pipe(
        recordKeys,
        map((event) => {
          if (event.type === 'key-changed' && !acceptsChanges) throw keyChangedError(event);
          return event;
        }),
        delayError,
      );
  };

  return {
    identity,
    knownKeys: new Map(keys.keysOf(room)),
    newestTimeMs: keys.newestTimes(room),
    isVerified,
    isChanged,
    recordKeys: () => recordKeys,
    applyKeyChangePolicy,
    ...contactCommands({ room, keys, newestKeys, ownKey: identity.key, isChanged }),
    isIgnored: (key) => keys.ignored().has(key),
    keyOf: (nick) => newestKeys.get(foldNick(nick)),
  };
};

/** Delays an error to the end of the tick, since earlier events are written then. */
const delayError: MonoTypeOperatorFunction<ClientEvent> = catchError((error: unknown) =>
  endOfTick$.pipe(switchMap(() => throwError(() => error))),
);

/** Returns the room options that depend on the contacts. */
export const contactOptions = ({
  identity,
  knownKeys,
  newestTimeMs,
}: Contacts): Required<Pick<JoinRoomOptions, 'identity' | 'known' | 'newestTimeMs'>> => ({
  identity,
  known: knownKeys,
  newestTimeMs,
});

const keyChangedError = ({ nick }: KeyChanged): CliError =>
  new CliError(
    Exit.untrustedKey,
    `${nick} has a different key than before; it may be someone else`,
    'compare safety numbers with /verify in join; if they match, use --accept-key',
  );

/**
 * Loads the identity in a directory. If the directory cannot be written, prints a note and returns a
 * temporary identity. Throws `IdentityError` if the identity is damaged or other users can read it.
 */
export const loadIdentity = (dir: string): Identity => {
  try {
    return openIdentity(dir);
  } catch (error) {
    if (!(error instanceof IdentityError) || error.code !== 'unwritable') throw error;
    printNote(`${error.message}; this run uses a temporary key, so others see a new person`);
    if (error.hint !== undefined) printNote(`hint: ${error.hint}`);
    return createIdentity();
  }
};

/** Newest message time of each key, to be saved from time to time. */
interface NewestMessageTimes {
  readonly add: (message: Pick<Message, 'key' | 'time'>) => void;
  /** Whether there are unsaved times and the last save was at least a minute ago. */
  readonly isSaveDue: () => boolean;
  readonly all: () => ReadonlyMap<string, number>;
}

/** Minimum interval between saves, in ms. */
const SAVE_INTERVAL_MS = 60_000;

/** Maximum number of keys whose times are tracked. */
const MAX_KEYS = 8192;

/** Tracks the newest time of each key, starting from the saved times. Times are in ms since 1970. */
const newestMessageTimes = (
  saved: ReadonlyMap<string, number>,
  now: () => number = Date.now,
): NewestMessageTimes => {
  const newest = lruMap(MAX_KEYS, saved);
  let savedAt = now();
  let hasUnsaved = false;

  return {
    add: ({ key, time }) => {
      // A sender's clock may be ahead. Its later, correct times must not look old.
      const ms = Math.min(time, now());
      const last = newest.get(key);
      if (last !== undefined && ms <= last) return;
      newest.set(key, ms);
      hasUnsaved = true;
    },
    isSaveDue: () => {
      if (!hasUnsaved || Math.abs(now() - savedAt) < SAVE_INTERVAL_MS) return false;
      savedAt = now();
      hasUnsaved = false;
      return true;
    },
    all: () => new Map(newest.entries()),
  };
};
