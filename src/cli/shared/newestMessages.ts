import {
  audit,
  concat,
  concatMap,
  connect,
  defer,
  distinctUntilChanged,
  EMPTY,
  filter,
  from,
  map,
  merge,
  NEVER,
  type Observable,
  of,
  ReplaySubject,
  Subject,
  switchMap,
  take,
  takeUntil,
  type MonoTypeOperatorFunction,
} from 'rxjs';
import type { Connection, ClientEvent, Resume } from '../../../streams/index.js';
import { POSITION_LIMIT } from '../../../streams/wire/index.js';
import { endOfTick$ } from '../../relay/endOfTick.js';
import { isLogEvent, newestBuffer } from './newestBuffer.js';

/** Position at which to start reading a room, and the state of that attempt. */
export interface ReadAttempt {
  readonly after?: Resume | undefined;
  readonly last?: number | undefined;
  /** Emits once this attempt is final. Nothing may be sent before that. */
  readonly settled$: Observable<unknown>;
  /**
   * Whether another attempt replaces this one in the same session. A replaced attempt must not send `BYE`.
   */
  readonly isReplaced: () => boolean;
  /** Whether this attempt replaces an earlier one. */
  readonly isRepeated: boolean;
}

/** Attempt that is final from the start. */
export const SINGLE_ATTEMPT: ReadAttempt = { settled$: of(null), isReplaced: () => false, isRepeated: false };

/**
 * Wraps a connect function so that a replaced attempt writes nothing more. Other members therefore do not see
 * it leave.
 */
export const muteWhenReplaced =
  <To>(connect: (to: To) => Observable<Connection>, isReplaced: () => boolean) =>
  (to: To): Observable<Connection> =>
    connect(to).pipe(
      map((connection) => ({
        peer: connection.peer,
        chunk$: connection.chunk$,
        writable$: connection.writable$,
        channelBinding: connection.channelBinding,
        ...(connection.copiesOnWrite !== undefined && { copiesOnWrite: connection.copiesOnWrite }),
        write: (bytes) => isReplaced() || connection.write(bytes),
        pause: () => connection.pause(),
        resume: () => connection.resume(),
        close: () => connection.close(),
      })),
    );

interface NewestMessagesOptions {
  /** Number of messages. */
  readonly count: number;
  readonly read: (beginning: ReadAttempt) => Observable<ClientEvent>;
  /** Maximum memory, in bytes, for events buffered until the past is read. */
  readonly bufferBytes?: number;
  /** Number of entries to request first. */
  readonly initialEntries?: number;
  /** Emits at the end of the tick. All events about an entry arrive within a tick. */
  readonly endOfTick$?: Observable<unknown>;
}

const BUFFER_BYTES = 4_194_304;

/**
 * Up to this many messages, extra entries are requested: each `send -m` adds two announcements to its
 * message.
 */
const FEW_MESSAGES = 128;
const ENTRIES_PER_MESSAGE = 8;
const EXTRA_ENTRIES = 64;

const MAX_ENTRIES = POSITION_LIMIT - 1;

/** Factor by which the request grows if too few entries were messages. */
const GROWTH_FACTOR = 4;

/** Returns how many entries to request so that they probably contain `messages` messages. */
export const initialEntryCount = (messages: number): number => {
  if (messages === 0) return 0;
  const more = ENTRIES_PER_MESSAGE * Math.min(messages, FEW_MESSAGES) + EXTRA_ENTRIES;
  return Math.min(messages + more, MAX_ENTRIES);
};

/**
 * Reads a room from its newest `count` messages on. Emits those that the log had at the start, the events
 * among them, then all live events.
 *
 * Buffers the past until the newest messages are known. If the buffer would grow too large, it only counts,
 * then reads again from the position where they begin. If the entries hold too few messages, it reads again
 * from further back, at most to the first entry of the log.
 *
 * ```text
 * read 1   W-m-m-m|              W: welcome, its last entry is the third m
 *            newestMessages({ count: 2, read })
 *          W-----(mm)
 * ```
 */
export const newestMessages = ({
  count,
  read,
  bufferBytes = BUFFER_BYTES,
  initialEntries = initialEntryCount(count),
  endOfTick$: tick$ = endOfTick$,
}: NewestMessagesOptions): Observable<ClientEvent> => {
  /** Reads again and drops the first `skipped` messages with the events among them. */
  const readAfter = (after: Resume, skipped: number): Observable<ClientEvent> =>
    defer(() =>
      read({ ...SINGLE_ATTEMPT, after, isRepeated: true }).pipe(
        filter(skipRepeatedWelcome()),
        filter(skipMessages(skipped)),
      ),
    );

  const search = (last: number, isRepeated: boolean): Observable<ClientEvent> =>
    defer(() => {
      const newest = newestBuffer(count, bufferBytes);
      const settled$ = new ReplaySubject<void>(1);
      const replaced$ = new Subject<void>();
      let next: Observable<ClientEvent> | undefined;
      const replace = (replacement: Observable<ClientEvent>): Observable<never> => {
        next = replacement;
        replaced$.next();
        return EMPTY;
      };
      const finish = (): Observable<ClientEvent> => {
        const result = newest.finish(last < MAX_ENTRIES);
        switch (result.type) {
          case 'further-back':
            return replace(search(Math.min(GROWTH_FACTOR * last, MAX_ENTRIES), true));
          case 'again':
            return replace(readAfter(result.after, result.skipped));
          case 'held':
            return concat(
              from(result.buffered),
              defer(() => {
                settled$.next();
                return EMPTY;
              }),
            );
        }
      };

      return concat(
        read({
          last,
          settled$: settled$.asObservable(),
          isReplaced: () => next !== undefined,
          isRepeated,
        }).pipe(
          connect((event$) =>
            merge(
              event$.pipe(
                filter(caughtUpPredicate()),
                take(1),
                audit(() => tick$),
                concatMap(finish),
              ),
              event$.pipe(concatMap(newest.add)),
            ),
          ),
          filter(isRepeated ? skipRepeatedWelcome() : () => true),
          takeUntil(replaced$),
        ),
        defer(() => next ?? from(newest.drain())),
      );
    });

  return search(initialEntries, false);
};

/** Returns a predicate that rejects the welcome of an attempt that replaces another. */
const skipRepeatedWelcome = (): ((event: ClientEvent) => boolean) => {
  let isFirst = true;
  return ({ type }) => {
    const isPassed = type !== 'welcome' || !isFirst;
    if (type === 'welcome' || type === 'offline') isFirst = false;
    return isPassed;
  };
};

const skipMessages = (messages: number): ((event: ClientEvent) => boolean) => {
  let remaining = messages;
  return (event) => {
    // The count to skip holds only for the entries that were counted.
    if (event.type === 'gap' || event.type === 'log-changed') remaining = 0;
    if (remaining === 0 || !isLogEvent(event)) return true;
    if (event.type === 'message') remaining -= 1;
    return false;
  };
};

/** Returns a predicate that is true once all entries before the join are read. */
export const caughtUpPredicate = (): ((event: ClientEvent) => boolean) => {
  let last: number | undefined;
  let position = 0;
  return (event) => {
    // The group has moved to another room, in whose log its messages go on.
    if ((event.type === 'epoch' && event.moved) || event.type === 'invite-changed') last = undefined;
    else if (event.type === 'welcome') {
      last ??= event.next - 1;
      position = event.from - 1;
    } else if (event.type === 'gap') position = event.to;
    else if ('position' in event && event.position !== undefined) position = event.position;
    return last !== undefined && position >= last;
  };
};

/**
 * Passes events on until all entries that existed at the join are read. Completes at the end of that tick,
 * since all events about an entry arrive within a tick.
 */
export const takeUntilCaughtUp =
  (tick$: Observable<unknown> = endOfTick$): MonoTypeOperatorFunction<ClientEvent> =>
  (event$) =>
    event$.pipe(
      connect((shared$) =>
        shared$.pipe(
          takeUntil(
            // In the same tick, the last entry of a log can be followed by a move to the next one.
            defer(() => shared$.pipe(map(caughtUpPredicate()))).pipe(
              distinctUntilChanged(),
              switchMap((isCaughtUp) => (isCaughtUp ? tick$.pipe(take(1)) : NEVER)),
            ),
          ),
        ),
      ),
    );
