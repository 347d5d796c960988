import {
  catchError,
  filter,
  finalize,
  map,
  type MonoTypeOperatorFunction,
  switchMap,
  throwError,
} from 'rxjs';
import type { Heard, Identity, KeyChanged, Message } from '../../streams/client/index.js';
import { foldNick } from '../../streams/wire/index.js';
import { openKnownKeys } from '../identity/knownKeys.js';
import { isTransientNick } from '../identity/transientNick.js';
import { safetyNumber } from '../identity/safetyNumber.js';
import { shown, type Visible, visibleNick, visibleNicks } from '../terminal/visible.js';
import { endOfTurn$ } from '../turn.js';
import { KEY_CHANGES } from './choices.js';
import { CliError, Exit, note } from './exit.js';
import { choice, type Flags } from './flags.js';
import { newestTimes } from './newestTimes.js';
import { once } from './once.js';
import { ownIdentity } from './ownIdentity.js';
import { recently } from './recently.js';
import { dataDir } from './stateDir.js';

/** Who one is oneself, and whom one knows in a room, from this run and those before. */
export interface People {
  readonly identity: Identity;
  /** The keys of nicks that are known from before. */
  readonly known: ReadonlyMap<string, string>;
  /** The newest time that each known key gave in earlier runs, in ms since 1970. */
  readonly newestTimeMs: ReadonlyMap<string, number>;
  /** Whether a key is one's own, or its safety number was compared. */
  readonly isVerified: (key: string) => boolean;
  /** Whether a nick is known with another key than the one that it came with. */
  readonly isChanged: (who: Pick<Message, 'nick' | 'key'>) => boolean;
  /**
   * Keeps whose key is which. A nick that comes with another key than the known one is reported once as `key-changed`,
   * and kept only with `--accept-key`.
   */
  readonly keep: () => MonoTypeOperatorFunction<Heard>;
  /** The same, and what `--on-key-change` says: leaves such messages out, or errors with exit code 5. */
  readonly keepFor: (flags: Flags) => MonoTypeOperatorFunction<Heard>;
  /**
   * What to show for `/verify NICK`, a line each, and `yes` or `no` behind it, which is kept: `yes` only for the key whose
   * number was shown.
   */
  readonly verify: (nick: string, answer: string | undefined) => readonly Visible[];
  /** The same for `/ignore NICK`, and `no` behind it; without a nick: who is ignored. */
  readonly ignore: (nick: string | undefined, answer: string | undefined) => Visible;
  readonly isIgnored: (key: string) => boolean;
  /** The key under which a nick said something last. */
  readonly keyOf: (nick: string) => string | undefined;
}

/** Of how many nicks and keys a run remembers what is not kept. */
const REMEMBERED = 4096;

/** Opens what the data directory has; throws `IdentityError` if it cannot be read. What cannot be written is told once. */
export const openPeople = (room: string, flags: Flags): People => {
  const dir = dataDir();
  const identity = ownIdentity(dir);
  const tellOnce = once((text: string) => {
    note(text);
  });
  const keys = openKnownKeys(dir, Date.now, ({ message }) => {
    tellOnce(`${message}; whom you know is kept in memory until this command ends`);
  });
  const tellForgotten = once((count: number) => {
    note(`more nicks were met than are kept: some that were never verified are forgotten (${count} so far)`);
  });
  const accepts = flags['acceptKey'] === true;
  /** The newest key of each nick that has said something. */
  const newest = recently(REMEMBERED, keys.known(room));
  /** The first keys of nicks that are not kept. */
  const first = recently<string>(REMEMBERED);
  const reported = recently<true>(REMEMBERED);
  /** The key whose number was shown for a nick. */
  const compared = new Map<string, string>();
  const times = newestTimes(keys.newestTimes(room));

  for (const line of keys.damaged())
    note(`line ${line} of the known keys is damaged: whoever it was about counts as never seen`);

  const isVerified = (key: string) => key === identity.key || keys.isVerified(key);
  const knownKeyOf = (name: string) => keys.known(room).get(name) ?? first.get(name);

  const isChanged = ({ nick, key }: Pick<Message, 'nick' | 'key'>): boolean => {
    // Each key is the right one once it comes.
    if (accepts) return false;
    const known = knownKeyOf(foldNick(nick));
    return known !== undefined && known !== key && key !== identity.key;
  };

  const change = (heard: KeyChanged): Heard | undefined => {
    const { nick, key } = heard;
    const name = foldNick(nick);
    if (accepts) {
      keys.accept(room, nick, key);
      first.set(name, key);
      return heard;
    }
    const known = knownKeyOf(name) ?? heard.before;
    if (!keys.known(room).has(name)) first.set(name, known);
    // The known one is back, or it was reported before.
    if (known === key || reported.get(`${key} ${name}`) === true) return undefined;
    reported.set(`${key} ${name}`, true);
    return { ...heard, before: known };
  };

  const take = (heard: Heard): Heard | undefined => {
    if (heard.type === 'message') {
      newest.set(foldNick(heard.nick), heard.key);
      times.take(heard);
    }
    if (heard.type === 'key-changed') return change(heard);
    if (heard.type !== 'first-sight') return heard;
    // Another process may have met that nick meanwhile, with another key.
    const before = keys.remember(room, heard.nick, heard.key);
    if (keys.forgotten() > 0) tellForgotten(keys.forgotten());
    if (before !== heard.key) return change({ ...heard, type: 'key-changed', before });
    first.set(foldNick(heard.nick), heard.key);
    // Who it is is known, and by this nick nobody is met again: nothing to be told each time.
    return isTransientNick(heard.nick) && isVerified(heard.key) ? undefined : heard;
  };

  const keep: MonoTypeOperatorFunction<Heard> = (heard$) =>
    heard$.pipe(
      map((heard) => {
        const kept = take(heard);
        if (times.isDue()) keys.keepTimes(room, times.all());
        return kept;
      }),
      filter((heard) => heard !== undefined),
      finalize(() => {
        keys.keepTimes(room, times.all());
      }),
    );

  const keepFor = (given: Flags): MonoTypeOperatorFunction<Heard> => {
    const wanted = choice(given, 'onKeyChange', KEY_CHANGES);
    if (wanted === 'mark') return keep;
    if (wanted === 'skip')
      return (heard$) =>
        heard$.pipe(
          keep,
          filter((heard) => heard.type !== 'message' || !isChanged(heard)),
        );
    return (heard$) =>
      heard$.pipe(
        keep,
        map((heard) => {
          if (heard.type === 'key-changed' && !accepts) throw endedBy(heard);
          return heard;
        }),
        // What was heard before is written at the end of the turn.
        catchError((error: unknown) => endOfTurn$.pipe(switchMap(() => throwError(() => error)))),
      );
  };

  /** Why nothing can be said of the key of a nick, or the key. */
  const askedFor = (name: string): Visible | { readonly key: string } => {
    const nick = visibleNick(name);
    const key = newest.get(foldNick(name));
    if (key === undefined) return shown`no key is known for the nick “${nick}”: it has not said anything yet`;
    return key === identity.key ? shown`${nick} has your own key` : { key };
  };

  const show = (name: string, key: string): readonly Visible[] => {
    const nick = visibleNick(name);
    compared.set(foldNick(name), key);
    return [
      shown`${nick}${keys.isVerified(key) ? ' is verified' : ''}: compare this number, by another way than this room`,
      shown`${safetyNumber(identity.key, key)}`,
      ...(isChanged({ nick: name, key })
        ? [shown`it is not the number of the key that ${nick} had before`]
        : []),
      shown`if it is the same with both of you: /verify ${nick} yes`,
      shown`if it is not: /verify ${nick} no`,
    ];
  };

  const verify = (name: string, answer: string | undefined): readonly Visible[] => {
    const asked = askedFor(name);
    if (typeof asked === 'string') return [asked];
    const { key } = asked;
    const nick = visibleNick(name);
    const seen = compared.get(foldNick(name));
    if (answer === 'no') {
      keys.verify(seen ?? key, false);
      return [shown`${nick} is not verified`];
    }
    if (answer !== 'yes') return show(name, key);
    if (seen === undefined)
      return [shown`nothing was kept: compare the number of ${nick} first`, ...show(name, key)];
    if (seen !== key)
      return [
        shown`nothing was kept: ${nick} has said something with another key since the number was shown`,
        shown`/verify ${nick} shows the number of that key`,
      ];
    keys.verify(key, true);
    keys.accept(room, name, key);
    return [shown`${nick} is verified`];
  };

  const ignore = (name: string | undefined, answer: string | undefined): Visible => {
    if (name === undefined) {
      const nicks = [...newest.entries()].flatMap(([each, key]) => (keys.ignored().has(key) ? each : []));
      return keys.ignored().size === 0
        ? shown`you ignore nobody`
        : shown`you ignore ${nicks.length > 0 ? visibleNicks(nicks) : `${keys.ignored().size === 1 ? 'a key' : `${keys.ignored().size} keys`} of other rooms`}`;
    }
    const asked = askedFor(name);
    if (typeof asked === 'string') return asked;
    const nick = visibleNick(name);
    keys.ignore(asked.key, answer !== 'no');
    return answer === 'no'
      ? shown`you read what ${nick} says`
      : shown`you read nothing more of ${nick}, whatever nick they take; /ignore ${nick} no takes it back`;
  };

  return {
    identity,
    known: new Map(keys.known(room)),
    newestTimeMs: keys.newestTimes(room),
    isVerified,
    isChanged,
    keep: () => keep,
    keepFor,
    verify,
    ignore,
    isIgnored: (key) => keys.ignored().has(key),
    keyOf: (nick) => newest.get(foldNick(nick)),
  };
};

const endedBy = ({ nick }: KeyChanged): CliError =>
  new CliError(
    Exit.keys,
    `${nick} has another key than before: it may be somebody else`,
    'compare numbers with /verify in join; if it is right, go on with --accept-key',
  );
