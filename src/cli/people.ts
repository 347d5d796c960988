import { catchError, filter, map, type MonoTypeOperatorFunction, switchMap, tap, throwError } from 'rxjs';
import type { Heard, Identity } from '../../streams/client/index.js';
import { foldNick } from '../../streams/wire/index.js';
import { openIdentity } from '../identity/identity.js';
import { openKnownKeys } from '../identity/knownKeys.js';
import { isTransientNick } from '../identity/transientNick.js';
import { safetyNumber } from '../identity/safetyNumber.js';
import { shown, type Visible, visibleNick, visibleNicks } from '../terminal/visible.js';
import { endOfTurn$ } from '../turn.js';
import { CliError, Exit, note } from './exit.js';
import type { Flags } from './flags.js';
import { dataDir } from './stateDir.js';

/** Who one is oneself, and whom one knows in a room, from this run and those before. */
export interface People {
  readonly identity: Identity;
  /** The keys of nicks that are known from before. */
  readonly known: ReadonlyMap<string, string>;
  /** Whether a key is one's own, or its safety number was compared. */
  readonly isVerified: (key: string) => boolean;
  /** Keeps whose key is which. A nick that came with another key than it had is shouted, and kept only with `--accept-key`. */
  readonly keep: () => MonoTypeOperatorFunction<Heard>;
  /** The same for who is not there to decide: without `--accept-key` it errors with exit code 5. */
  readonly insist: () => MonoTypeOperatorFunction<Heard>;
  /** What to show for `/verify NICK`, a line each, and `yes` or `no` behind it, which is kept. */
  readonly verify: (nick: string, answer: string | undefined) => readonly Visible[];
  /** The same for `/ignore NICK`, and `no` behind it; without a nick: who is ignored. */
  readonly ignore: (nick: string | undefined, answer: string | undefined) => Visible;
  readonly isIgnored: (key: string) => boolean;
  /** The key under which a nick said something last. */
  readonly keyOf: (nick: string) => string | undefined;
}

/** Opens what the data directory has; throws `IdentityError`. */
export const openPeople = (room: string, flags: Flags): People => {
  const identity = openIdentity(dataDir());
  const keys = openKnownKeys(dataDir());
  const accepts = flags['acceptKey'] === true;
  /** The newest key of each nick that has said something. */
  const newest = new Map(keys.known(room));

  for (const line of keys.damaged())
    note(`line ${line} of the known keys is damaged: whoever it was about counts as never seen`);

  const isVerified = (key: string) => key === identity.key || keys.isVerified(key);

  const take = (heard: Heard): Heard | undefined => {
    if (heard.type === 'message') newest.set(foldNick(heard.nick), heard.key);
    if (heard.type === 'key-changed' && accepts) keys.accept(room, heard.nick, heard.key);
    if (heard.type !== 'first-sight') return heard;
    // Who it is is known, and by this nick nobody is met again: nothing to be told each time.
    if (isTransientNick(heard.nick) && isVerified(heard.key)) return undefined;
    // Another process may have met that nick meanwhile, with another key.
    const before = keys.remember(room, heard.nick, heard.key);
    return before === heard.key ? heard : { ...heard, type: 'key-changed', before };
  };

  const taking: MonoTypeOperatorFunction<Heard> = (heard$) =>
    heard$.pipe(
      map(take),
      filter((heard) => heard !== undefined),
    );

  const verify = (name: string, answer: string | undefined): readonly Visible[] => {
    const nick = visibleNick(name);
    const key = newest.get(foldNick(name));
    if (key === undefined) return [shown`${nick} has said nothing yet that would show a key`];
    if (key === identity.key) return [shown`${nick} has your own key`];
    if (answer === 'yes' || answer === 'no') {
      keys.verify(key, answer === 'yes');
      if (answer === 'yes') keys.accept(room, name, key);
      return [answer === 'yes' ? shown`${nick} is verified` : shown`${nick} is not verified`];
    }
    return [
      shown`${nick}${keys.isVerified(key) ? ' is verified' : ''}: compare this number, by another way than this room`,
      shown`${safetyNumber(identity.key, key)}`,
      shown`if it is the same with both of you: /verify ${nick} yes`,
      shown`if it is not: /verify ${nick} no`,
    ];
  };

  const ignore = (name: string | undefined, answer: string | undefined): Visible => {
    if (name === undefined) {
      const nicks = [...newest].flatMap(([each, key]) => (keys.ignored().has(key) ? each : []));
      return keys.ignored().size === 0
        ? shown`you ignore nobody`
        : shown`you ignore ${nicks.length > 0 ? visibleNicks(nicks) : `${keys.ignored().size === 1 ? 'a key' : `${keys.ignored().size} keys`} of other rooms`}`;
    }
    const nick = visibleNick(name);
    const key = newest.get(foldNick(name));
    if (key === undefined) return shown`${nick} has said nothing yet that would show a key`;
    if (key === identity.key) return shown`${nick} has your own key`;
    keys.ignore(key, answer !== 'no');
    return answer === 'no'
      ? shown`you read what ${nick} says`
      : shown`you read nothing more of ${nick}, whatever nick they take; /ignore ${nick} no takes it back`;
  };

  return {
    identity,
    known: new Map(keys.known(room)),
    isVerified,
    keep: () => taking,
    insist: () => (heard$) =>
      heard$.pipe(
        taking,
        tap((heard) => {
          if (heard.type !== 'key-changed' || accepts) return;
          throw new CliError(
            Exit.keys,
            `${heard.nick} has another key than before: it may be somebody else`,
            'compare numbers with /verify in join; where it is right, go on with --accept-key',
          );
        }),
        // What was heard before is written at the end of the turn.
        catchError((error: unknown) => endOfTurn$.pipe(switchMap(() => throwError(() => error)))),
      ),
    verify,
    ignore,
    isIgnored: (key) => keys.ignored().has(key),
    keyOf: (nick) => newest.get(foldNick(nick)),
  };
};
