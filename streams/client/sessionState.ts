import {
  concat,
  defer,
  map,
  materialize,
  merge,
  mergeMap,
  NEVER,
  type Observable,
  type ObservableNotification,
  of,
  type OperatorFunction,
  startWith,
  switchMap,
  take,
  takeWhile,
  timer,
} from 'rxjs';
import { addNicks, isNick } from '../wire/nick.js';
import type { ClientEvent } from './clientEvent.js';

/** The state of a session. */
export type SessionState =
  /** Connecting, or in the handshake. */
  | { readonly type: 'connecting' }
  /** Joined, and reading the entries from before the join. */
  | { readonly type: 'catching-up' }
  | { readonly type: 'online' }
  /** The connection was lost. The next attempt begins at `retryAt`, in ms since 1970. */
  | {
      readonly type: 'offline';
      /** How many attempts have failed in a row, from 1. */
      readonly attempt: number;
      readonly retryAt: number;
      readonly cause: string;
    }
  /** The session has ended. */
  | { readonly type: 'closed'; readonly reason: string };

const CONNECTING: SessionState = { type: 'connecting' };

/** Alarms that replace the message of their entry. */
const UNREADABLE = new Set<string>(['bad-signature', 'other-room']);

/** Returns the position that is completely read after an event, or `undefined` if the event has none. */
const lastReadPosition = (event: ClientEvent): number | undefined => {
  switch (event.type) {
    case 'gap':
    case 'before-join':
      return event.to;
    case 'message':
      return event.more === true ? undefined : event.position;
    case 'duplicate':
    case 'undecryptable':
    case 'joined':
    case 'left':
    case 'epoch':
    case 'void':
    case 'handshake':
    case 'rejected':
    case 'behind':
    case 'leaving':
    case 'forgotten':
    case 'unread':
      return event.position;
    case 'alarm':
      return UNREADABLE.has(event.reason) ? event.position : undefined;
    default:
      return undefined;
  }
};

/**
 * Derives the state of a session from its events: connecting, catching up, online, offline, closed.
 *
 * Begins with `connecting` and emits each state once. Emits `offline` for each failed attempt, and `connecting` when its
 * delay is over or `retry$` emits. The client is online when it has read the last entry from before its join. When the
 * events complete or error, the last state is `closed` with the reason. Never errors. Unsubscribing stops its timer.
 *
 * ```text
 * event    ----W--m--m-----f------------W---#      W: welcome, two entries to read; f: offline, 9 ms to wait
 *            sessionState({ now })
 * state    c---u-----n-----f--------c---n---(X|)   c: connecting, u: catching up, n: online, X: closed
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { type ClientEvent, sessionState } from 'rxchat/streams';
 *
 * const stateOf = (event$: Observable<ClientEvent>) => event$.pipe(sessionState({ now: () => Date.now() }));
 */
export const sessionState =
  ({
    now,
    retry$ = NEVER,
  }: {
    /** Returns the time of day in ms since 1970. */
    readonly now: () => number;
    /** Emits when a retry begins before its time. */
    readonly retry$?: Observable<unknown> | undefined;
  }): ((event$: Observable<ClientEvent>) => Observable<SessionState>) =>
  (event$) =>
    defer(() => {
      /** The end of the log when the client joined, until it is reached. */
      let end: number | undefined;

      const advanceTo = (position: number): readonly SessionState[] => {
        if (end === undefined || position + 1 < end) return [];
        end = undefined;
        return [{ type: 'online' }];
      };

      const update = (event: ClientEvent): readonly SessionState[] => {
        if (event.type === 'offline') {
          end = undefined;
          const { attempt, retryMs, reason: cause } = event;
          return [{ type: 'offline', attempt, retryAt: now() + retryMs, cause }];
        }
        if (event.type === 'welcome') {
          end = event.next;
          const online = advanceTo(event.from - 1);
          return online.length > 0 ? online : [{ type: 'catching-up' }];
        }
        const position = lastReadPosition(event);
        return position === undefined ? [] : advanceTo(position);
      };

      return event$.pipe(
        materialize(),
        mergeMap((notification) =>
          notification.kind === 'N' ? update(notification.value) : [closed(notification)],
        ),
        startWith(CONNECTING),
        takeWhile(({ type }) => type !== 'closed', true),
        switchMap((state) =>
          state.type === 'offline'
            ? concat(
                of(state),
                merge(timer(Math.max(0, state.retryAt - now())), retry$).pipe(
                  take(1),
                  map(() => CONNECTING),
                ),
              )
            : of(state),
        ),
      );
    });

const closed = (end: ObservableNotification<ClientEvent>): SessionState => ({
  type: 'closed',
  reason: end.kind === 'E' ? reasonOf(end.error) : 'the relay ended it',
});

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The members of a room, as the relay reports them. A relay may invent or hide members. */
export interface Roster {
  /** The nicks in the order of their joins: at most 5000, and none for a room too large to be listed. */
  readonly nicks: readonly string[];
  /** The number of members. */
  readonly count: number;
}

/**
 * Emits the members of the room at each change.
 *
 * Each `welcome` replaces the list, which corrects changes that were missed while offline. Announcements from before the
 * `welcome` are ignored, as it includes them. Completes and errors with its source.
 *
 * ```text
 * event    --welcome(a)--joined b--message--left a--|
 *            roster()
 * roster   --[a]---------[a,b]--------------[b]-----|
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { type ClientEvent, roster } from 'rxchat/streams';
 *
 * const members = (event$: Observable<ClientEvent>) => event$.pipe(roster());
 */
export const roster = (): OperatorFunction<ClientEvent, Roster> => (event$) =>
  defer(() => {
    const nicks = new Set<string>();
    let count = 0;
    let firstPosition = 0;

    const snapshot = (): Roster => ({ nicks: [...nicks], count });

    const update = (event: ClientEvent): readonly Roster[] => {
      switch (event.type) {
        case 'welcome':
          nicks.clear();
          addNicks(nicks, event.members ?? []);
          count = event.count;
          firstPosition = event.next;
          return [snapshot()];
        case 'joined': {
          if (event.position < firstPosition) return [];
          const added = event.nicks.filter((nick) => isNick(nick) && !nicks.has(nick));
          const addedCount = event.nicks.length > 0 ? added.length : event.count;
          if (addedCount === 0) return [];
          addNicks(nicks, added);
          count += addedCount;
          return [snapshot()];
        }
        case 'left': {
          if (event.position < firstPosition) return [];
          const isComplete = nicks.size === count;
          const removed = event.nicks.filter((nick) => nicks.delete(nick));
          const removedCount = isComplete && event.nicks.length > 0 ? removed.length : event.count;
          if (removedCount === 0) return [];
          count = Math.max(nicks.size, count - removedCount);
          return [snapshot()];
        }
        default:
          return [];
      }
    };

    return event$.pipe(mergeMap(update));
  });
