import {
  audit,
  connect,
  defer,
  filter,
  ignoreElements,
  map,
  merge,
  type Observable,
  observeOn,
  queueScheduler,
  share,
} from 'rxjs';
import { announcementLine } from '../wire/entry.js';
import { encodeLine } from '../wire/utf8.js';
import type { Command, Member } from './commands.js';
import { type Announced, presence, type PresenceOptions } from './presence.js';
import { type Attendance, rollCall } from './rollCall.js';
import type { Failed, RoomEvent } from './roomEvent.js';
import { DEFAULT_WINDOW, roomLog, type RoomLog } from './roomLog.js';
import { serveMembers } from './serveMembers.js';

export interface RoomOptions extends PresenceOptions {
  /** A fresh log id: random, base64url. */
  readonly logId: () => string;
  /** Bytes of lines that a room keeps in memory. */
  readonly window?: number;
  /**
   * Emits once, as soon as this turn of the event loop is over: what was appended until then is announced together.
   * In Node a `setImmediate`; a microtask is too early, it makes every chunk a write of its own.
   */
  readonly turn$: Observable<unknown>;
  /** How long, in ms, a client should wait before it comes back to a relay that stopped. */
  readonly retryMs?: number;
}

/**
 * One room: its members' commands in, in their one order; appended to its log; fanned out to the members' sinks.
 * Emits what happened, for whoever watches.
 *
 * All that is appended within one turn is announced at its end, and each member's sink then catches up by its own
 * cursor. When the commands complete, every member gets what was accepted, then `BYE`, and its connection is closed;
 * then it completes. Unsubscribing closes the members' connections at once. A member's failing connection is its own
 * affair and a value here; an error is a fault of the room itself, and closes them all.
 *
 * ```text
 * command   join a----join b---tokens a----leave b--|
 *             room(options)
 * log       +a--------+b-------gAAAA…------(-b)
 * out       joined----joined---tokens------left------|
 * ```
 *
 * @example
 * import { type Observable, timer } from 'rxjs';
 * import { type Command, room } from 'rxchat/streams';
 *
 * const lobby = (command$: Observable<Command>) => command$.pipe(room({ logId: () => 'lobby', turn$: timer(0) }));
 */
export const room =
  ({ logId, window = DEFAULT_WINDOW, turn$, gather = 1000, retryMs = 1000 }: RoomOptions) =>
  (command$: Observable<Command>): Observable<RoomEvent> =>
    defer(() => {
      let log: RoomLog | undefined;
      // Made by the first join and not before: where it cannot be made, only a join fails, and not the room at rest.
      const theLog = () => (log ??= roomLog({ id: logId(), window }));
      return command$.pipe(
        // The one trampoline. A member whose connection fails while a line is being delivered leaves within that very
        // call; nobody may see it leave before that line.
        observeOn(queueScheduler),
        rollCall(),
        presence({ gather }),
        map((event) => append(theLog(), event)),
        connect((event$) => {
          const grown$ = event$.pipe(
            filter(grew),
            audit(() => turn$),
            share(),
          );
          return merge(
            // Subscribed first, so that it hears the first member's join.
            grown$.pipe(ignoreElements()),
            event$.pipe(serveMembers({ grown$, retryMs })),
            event$,
          );
        }),
      );
    });

const grew = ({ type }: { readonly type: string }): boolean => type === 'tokens' || type === 'announced';

const append = (log: RoomLog, event: Attendance | Announced): Exclude<RoomEvent, Failed> => {
  switch (event.type) {
    case 'joined': {
      const from = startOf(log, event.member);
      const { count, members } = event;
      const { id, next, first } = log;
      return {
        ...event,
        cursor: log.cursor(from),
        welcome: { log: id, next, first, from, durability: 'memory', count, members },
      };
    }
    case 'tokens':
      log.append(event.lines);
      return event;
    case 'announced':
      log.append({ bytes: encodeLine(announcementLine(event.announcement)), count: 1 });
      return event;
    default:
      return event;
  }
};

/** The position a member begins at: after what it has, or with the newest few, or with what comes. */
const startOf = (log: RoomLog, { after, last }: Member): number => {
  if (after !== undefined) {
    const known = after.log === log.id || after.log === '*';
    return known ? Math.min(after.n + 1, log.next) : log.first;
  }
  return Math.max(log.first, log.next - (last ?? 0));
};
