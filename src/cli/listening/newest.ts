import {
  audit,
  concat,
  concatMap,
  connect,
  defer,
  EMPTY,
  filter,
  from,
  map,
  merge,
  type Observable,
  of,
  ReplaySubject,
  Subject,
  take,
  takeUntil,
} from 'rxjs';
import { type Connection, type Heard, POSITION_LIMIT, type Resume } from '../../../streams/index.js';
import { endOfTurn$ } from '../../turn.js';
import { caughtUp } from './now.js';
import { isOfThePast, readPast } from './past.js';

/** Where to begin to read a room, and what to do there. */
export interface Beginning {
  readonly after?: Resume | undefined;
  readonly last?: number | undefined;
  /** Emits once this reading goes on: only then may something be said. */
  readonly settled$: Observable<unknown>;
  /** Whether another reading takes the place of this one, in the same session: this one must not say that it leaves. */
  readonly isReplaced: () => boolean;
  /** Whether this reading takes the place of an earlier one. */
  readonly isAgain: boolean;
}

/** A reading that goes on from the beginning. */
export const ONLY_READING: Beginning = { settled$: of(null), isReplaced: () => false, isAgain: false };

/** A way to the relay on which a reading that is replaced says nothing more: so nobody is told that its member leaves. */
export const silentlyReplaced =
  <To>(connectTo: (to: To) => Observable<Connection>, isReplaced: () => boolean) =>
  (to: To): Observable<Connection> =>
    connectTo(to).pipe(
      map((connection) => ({
        peer: connection.peer,
        chunk$: connection.chunk$,
        writable$: connection.writable$,
        channelBinding: connection.channelBinding,
        ...(connection.takesAtOnce !== undefined && { takesAtOnce: connection.takesAtOnce }),
        write: (bytes) => isReplaced() || connection.write(bytes),
        pause: () => connection.pause(),
        resume: () => connection.resume(),
        close: () => connection.close(),
      })),
    );

export interface NewestOptions {
  /** How many messages. */
  readonly count: number;
  readonly read: (beginning: Beginning) => Observable<Heard>;
  /** The most memory, in bytes, for what is held back until the end of the past is read. */
  readonly heldBytes?: number;
  /** How many entries to ask for first. */
  readonly entries?: number;
  /** Emits at the end of the turn: what is known of one entry comes in one turn. */
  readonly turn$?: Observable<unknown>;
}

const HELD_BYTES = 4_194_304;

/** For so many messages, more entries are asked for: a message by `send -m` comes with two announcements. */
const FEW_MESSAGES = 128;
const ENTRIES_A_MESSAGE = 8;
const ENTRIES_MORE = 64;

const MOST_ENTRIES = POSITION_LIMIT - 1;

/** By how much more entries are asked for if too few of them were messages. */
const FURTHER = 4;

/** How many entries to ask for first, so that so many messages are probably among them. */
export const entriesFor = (messages: number): number => {
  if (messages === 0) return 0;
  const more = ENTRIES_A_MESSAGE * Math.min(messages, FEW_MESSAGES) + ENTRIES_MORE;
  return Math.min(messages + more, MOST_ENTRIES);
};

/**
 * Reads a room from its newest `count` messages on: what the log had of them at the beginning and what came with them, then
 * all that is heard.
 *
 * Holds back what it reads of the past until it knows which messages are the newest. If that is too much to hold, it counts
 * only, and then reads again from where they begin. If too few messages were among the entries, it reads again from
 * further back, until there are enough or the first entry of the log is reached.
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
  heldBytes = HELD_BYTES,
  entries = entriesFor(count),
  turn$ = endOfTurn$,
}: NewestOptions): Observable<Heard> => {
  /** Reads again; the first `skipped` messages, and what comes with them, are left out. */
  const readFrom = (after: Resume, skipped: number): Observable<Heard> =>
    defer(() =>
      read({ ...ONLY_READING, after, isAgain: true }).pipe(
        filter(notWelcomedAgain()),
        filter(withoutFirst(skipped)),
      ),
    );

  const search = (last: number, isAgain: boolean): Observable<Heard> =>
    defer(() => {
      const past = readPast(count, heldBytes);
      const settled$ = new ReplaySubject<void>(1);
      const replaced$ = new Subject<void>();
      let next: Observable<Heard> | undefined;
      const replace = (by: Observable<Heard>): Observable<never> => {
        next = by;
        replaced$.next();
        return EMPTY;
      };
      const conclude = (): Observable<Heard> => {
        const found = past.conclude(last < MOST_ENTRIES);
        switch (found.type) {
          case 'further-back':
            return replace(search(Math.min(FURTHER * last, MOST_ENTRIES), true));
          case 'again':
            return replace(readFrom(found.after, found.skipped));
          case 'held':
            return concat(
              from(found.held),
              defer(() => {
                settled$.next();
                return EMPTY;
              }),
            );
        }
      };

      return concat(
        read({ last, settled$, isReplaced: () => next !== undefined, isAgain }).pipe(
          connect((heard$) =>
            merge(
              heard$.pipe(
                filter(caughtUp()),
                take(1),
                audit(() => turn$),
                concatMap(conclude),
              ),
              heard$.pipe(concatMap(past.take)),
            ),
          ),
          filter(isAgain ? notWelcomedAgain() : () => true),
          takeUntil(replaced$),
        ),
        defer(() => next ?? from(past.rest())),
      );
    });

  return search(entries, false);
};

/** Tells of what is heard whether it is passed on: not the welcome of a reading that takes the place of another one. */
const notWelcomedAgain = (): ((heard: Heard) => boolean) => {
  let isFirst = true;
  return ({ type }) => {
    const isPassed = type !== 'welcome' || !isFirst;
    if (type === 'welcome' || type === 'offline') isFirst = false;
    return isPassed;
  };
};

const withoutFirst = (messages: number): ((heard: Heard) => boolean) => {
  let left = messages;
  return (heard) => {
    // Their number is right only for what was counted.
    if (heard.type === 'gap' || heard.type === 'log-changed') left = 0;
    if (left === 0 || !isOfThePast(heard)) return true;
    if (heard.type === 'message') left -= 1;
    return false;
  };
};
