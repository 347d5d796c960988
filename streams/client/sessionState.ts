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
  startWith,
  switchMap,
  take,
  takeWhile,
  timer,
} from 'rxjs';
import type { Heard } from './conversation.js';

/** How things are between a client and its room. */
export type SessionState =
  /** A connection is being made, or its handshake is under way. */
  | { readonly type: 'connecting' }
  /** In the room; what was said before this client came in is still being read. */
  | { readonly type: 'catching-up' }
  | { readonly type: 'online' }
  /** The connection was lost, for `cause`; the next attempt comes at `retryAt`, in ms since 1970. */
  | {
      readonly type: 'offline';
      /** From 1: how many attempts have been without success in a row. */
      readonly attempt: number;
      readonly retryAt: number;
      readonly cause: string;
    }
  /** It is over, for good. */
  | { readonly type: 'closed'; readonly reason: string };

const CONNECTING: SessionState = { type: 'connecting' };

/** What the relay does with an entry that is an alarm and nothing else: no message comes of it. */
const UNREAD = new Set<string>(['bad-signature', 'other-room']);

/** The position up to which all is read once this was heard, where that says so. */
const readTo = (heard: Heard): number | undefined => {
  switch (heard.type) {
    case 'gap':
      return heard.to;
    case 'message':
      return heard.more === true ? undefined : heard.position;
    case 'repeated':
    case 'undecryptable':
    case 'joined':
    case 'left':
      return heard.position;
    case 'alarm':
      return UNREAD.has(heard.reason) ? heard.position : undefined;
    default:
      return undefined;
  }
};

/**
 * What is heard in, how things are out: connecting, catching up, online, offline, closed.
 *
 * Begins with `connecting`, and says each state once, when it begins; `offline` for each attempt, and `connecting` when
 * its wait is over or `retry$` cuts it. Catching up ends with the last entry that was there when this client came in. Whether what is heard
 * completes or errors, the last state is `closed`, with the reason, and then it completes: it never errors. Unsubscribing
 * stops its one timer.
 *
 * ```text
 * heard    ----W--m--m-----f------------W---#      W: welcome, two entries to read; f: offline, 9 ms to wait
 *            sessionState({ now })
 * state    c---u-----n-----f--------c---n---(X|)   c: connecting, u: catching up, n: online, X: closed
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { type Heard, sessionState } from 'rxchat/streams';
 *
 * const stateOf = (heard$: Observable<Heard>) => heard$.pipe(sessionState({ now: () => Date.now() }));
 */
export const sessionState =
  ({
    now,
    retry$ = NEVER,
  }: {
    /** The clock, in ms since 1970. */
    readonly now: () => number;
    /** Emits when a wait is cut short. */
    readonly retry$?: Observable<unknown> | undefined;
  }): ((heard$: Observable<Heard>) => Observable<SessionState>) =>
  (heard$) =>
    defer(() => {
      /** The end of the log when the client came in; `undefined` once it is reached. */
      let end: number | undefined;

      const read = (position: number): readonly SessionState[] => {
        if (end === undefined || position + 1 < end) return [];
        end = undefined;
        return [{ type: 'online' }];
      };

      const hear = (heard: Heard): readonly SessionState[] => {
        if (heard.type === 'offline') {
          end = undefined;
          const { attempt, retryMs, reason: cause } = heard;
          return [{ type: 'offline', attempt, retryAt: now() + retryMs, cause }];
        }
        if (heard.type === 'welcome') {
          end = heard.next;
          const reached = read(heard.from - 1);
          return reached.length > 0 ? reached : [{ type: 'catching-up' }];
        }
        const position = readTo(heard);
        return position === undefined ? [] : read(position);
      };

      return heard$.pipe(
        materialize(),
        mergeMap((told) => (told.kind === 'N' ? hear(told.value) : [closed(told)])),
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

const closed = (end: ObservableNotification<Heard>): SessionState => ({
  type: 'closed',
  reason: end.kind === 'E' ? reasonOf(end.error) : 'the relay ended it',
});

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
