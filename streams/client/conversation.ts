import {
  connect,
  defer,
  endWith,
  filter,
  finalize,
  ignoreElements,
  map,
  merge,
  mergeMap,
  NEVER,
  type Observable,
  type OperatorFunction,
  pipe,
  Subject,
  switchMap,
  take,
  takeUntil,
  tap,
} from 'rxjs';
import type { Connection } from '../wire/connection.js';
import { LinkError, ProtocolError, RefusedError } from '../wire/errors.js';
import { enter, type EnterOptions } from './enter.js';
import type { Hash } from './identity.js';
import { membership, type MembershipOptions, type Noticed } from './membership.js';
import { open, type OpenOptions } from './open.js';
import { unsayable } from './pack.js';
import { type NotRenamed, type Renamed, renaming } from './renaming.js';
import { type Offline, reconnect, type ReconnectOptions } from './reconnect.js';
import { type Say, seal, type SealOptions } from './seal.js';
import { senderTimes, type SenderTimesOptions } from './senderTimes.js';
import { transcript } from './transcript.js';
import { witness, type WitnessOptions } from './witness.js';

/** All that was to be said is in the outbox: what you say has completed. */
export interface SaidAll {
  readonly type: 'said-all';
}

/** What cannot be said (a `LimitError`: it is too long). It was not sent; what follows is. */
export interface NotSaid extends Say {
  readonly type: 'not-said';
  readonly error: Error;
}

/** All that a client gets to know. */
export type Heard = NotSaid | Noticed | Offline | Renamed | NotRenamed | SaidAll;

/** How a lost connection is made again. Give `now` a monotonic clock; it defaults to the conversation's. */
export type RetryOptions = Pick<ReconnectOptions<unknown>, 'random' | 'woke$' | 'stable'> &
  Partial<Pick<ReconnectOptions<unknown>, 'now'>>;

export interface ConversationOptions
  extends
    Omit<EnterOptions, 'connection' | 'quiet' | 'alive'>,
    Omit<MembershipOptions, 'key' | 'hashAt'>,
    OpenOptions,
    Omit<SealOptions, 'testify'>,
    Omit<WitnessOptions, 'key'>,
    Pick<SenderTimesOptions, 'newestTimeMs'> {
  /** SHA-256, to compare with others what was read. */
  readonly hash: Hash;
  /** Makes a connection to the relay: emits it and completes, or errors with `LinkError`. */
  readonly connect$: Observable<Connection>;
  /** Without it one connection is all. */
  readonly retry?: RetryOptions | undefined;
  /** Other nicks to go by from then on, as one wants them. */
  readonly nick$?: Observable<string> | undefined;
}

/**
 * What you say in, what you hear out: a client's side of a room.
 *
 * Enters the room once a key is there, and subscribes to what you say once it is in. Each thing said becomes a token;
 * its echo is its receipt (`stored`). What is too long for a message is a `not-said`, and what follows is said. Nothing is held back here: who can wait paces what it says by `said` and `stored`.
 * When what you say completes there is a `said-all`, and one goes on hearing.
 *
 * What a relay or a member does that none ought to is an `alarm` where it can be noticed, before the message that shows
 * it; `first-sight` and `key-changed` tell of keys. One goes on hearing.
 *
 * With `nick$` one goes by another nick (`renamed`), or is told that the relay does not take it (`not-renamed`): the
 * connection is made anew for it, and all else stays as it is.
 *
 * With `retry` a connection that is lost is made again (`offline`, then `welcome`), and everything goes on where it
 * was: what came meanwhile is heard, and what is not stored is sent again. It then ends only by an error: `RefusedError`
 * where the relay does not want this client; `LinkError` or `ProtocolError` where the very first connection fails; and
 * those of `seal` and `keyring$`. Without `retry` it completes after the relay's `BYE`, and errors when the connection
 * does. Whatever ends it, unsubscribing too, says `BYE` and closes the connection.
 *
 * ```text
 * say      ----------------hello-------------------world-----------------------
 *            conversation(options)
 * heard    --welcome-------said----(message,stored)said--offline----welcome----(message,stored)
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { conversation, type ConversationOptions } from 'rxchat/streams';
 *
 * const hello = (options: ConversationOptions) => of({ lines: ['hello'] }).pipe(conversation(options));
 */
export const conversation =
  ({ connect$, retry, nick$ = NEVER, ...options }: ConversationOptions): OperatorFunction<Say, Heard> =>
  (say$) =>
    defer(() => {
      const { key } = options.identity;
      const read = transcript(options);
      const member = membership({ ...options, key, hashAt: read.hashAt });
      const judge = witness({ ...options, key }, read);
      const times = senderTimes(options);

      const name = renaming(options.nick);
      const alive$ = new Subject<void>();
      const alive = () => {
        alive$.next();
      };

      const linkAs = (nick: string) =>
        defer(() => {
          // Of the link under another nick, if there was one.
          member.detach();
          return connect$.pipe(
            switchMap((connection) => {
              member.attach(connection);
              const quiet = () => {
                member.ping();
              };
              return enter({ ...options, ...member.from, nick, connection, quiet, alive });
            }),
          );
        });
      const received$: Observable<Received | Offline> = nick$.pipe(
        tap(name.want),
        connect((wanted$) => {
          const link$ = name.link(linkAs, wanted$);
          return retry === undefined
            ? link$
            : link$.pipe(
                reconnect({
                  ...POLICY,
                  now: options.now,
                  ping: member.ping,
                  alive$,
                  isHeld: options.isHeld,
                  ...retry,
                }),
              );
        }),
      );

      return received$.pipe(
        tap((received) => {
          if (received.type === 'offline') member.detach();
          if (received.type === 'welcome') times.enter(received);
          read.read(received);
        }),
        open<Exclude<Received | Offline, { type: 'token' }>>(options),
        map((event) => {
          if (event.type !== 'opened') return event;
          const { envelope, position } = event;
          if (envelope.seen !== undefined && envelope.key === key && envelope.session === options.run)
            read.settle(envelope.seen, position);
          return { ...judge(event), timing: times.take(envelope, position) };
        }),
        connect((event$) =>
          merge(
            event$.pipe(
              mergeMap((event): readonly Heard[] => (isOfLink(event) ? [event] : member.hear(event))),
            ),
            event$.pipe(
              filter(({ type }) => type === 'welcome'),
              take(1),
              switchMap(() => say$),
              sayable(
                pipe(
                  seal({
                    ...options,
                    testify: () => ({ nick: name.nick, stored: member.stored, seen: read.claim() }),
                  }),
                  map((sealed) => member.say(sealed)),
                ),
              ),
              endWith<Heard>({ type: 'said-all' }),
              takeUntil(event$.pipe(ignoreElements(), endWith(null))),
            ),
          ),
        ),
        finalize(() => {
          member.leave();
        }),
      );
    });

/** Says what can be said; what cannot is a value, before it has a number or claims to have read anything. */
const sayable =
  (say: OperatorFunction<Say, Heard>): OperatorFunction<Say, Heard> =>
  (say$) =>
    say$.pipe(
      map((each) => ({ each, error: unsayable(each) })),
      connect((judged$) =>
        merge(
          judged$.pipe(
            filter(({ error }) => error === undefined),
            map(({ each }) => each),
            say,
          ),
          judged$.pipe(
            mergeMap(({ each, error }): readonly Heard[] =>
              error === undefined ? [] : [{ type: 'not-said', ...each, error }],
            ),
          ),
        ),
      ),
    );

/** What comes over one connection. */
type Received = (ReturnType<typeof enter> extends Observable<infer T> ? T : never) | Renamed | NotRenamed;

const isOfLink = (event: { readonly type: string }): event is Offline | Renamed | NotRenamed =>
  event.type === 'offline' || event.type === 'renamed' || event.type === 'not-renamed';

/** Refusals that may pass by themselves. */
const PASSING: ReadonlySet<string> = new Set(['storage', 'internal', 'timeout', 'busy']);

const POLICY: Pick<ReconnectOptions<Received>, 'isUp' | 'farewell' | 'isFatal'> = {
  isUp: ({ type }) => type === 'welcome',
  farewell: (received) =>
    received.type === 'bye'
      ? {
          reason: received.reason === 'busy' ? 'the relay is busy' : 'the relay is shutting down',
          retryMs: received.retryMs,
        }
      : undefined,
  isFatal: (error, wasUp) => {
    if (error instanceof RefusedError) return !PASSING.has(error.code);
    // What has never worked is more likely a wrong address than a relay that is about to come back.
    return !(wasUp && (error instanceof LinkError || error instanceof ProtocolError));
  },
};
