import {
  catchError,
  concat,
  connect,
  defer,
  EMPTY,
  filter,
  finalize,
  merge,
  mergeMap,
  type Observable,
  of,
  takeUntil,
  tap,
} from 'rxjs';
import { controlLine } from '../wire/control.js';
import { welcomeLine } from '../wire/handshake.js';
import { encodeLine } from '../wire/utf8.js';
import type { Member } from './commands.js';
import { fanOut, type Reader } from './fanOut.js';
import { groupUntil } from './groupUntil.js';
import type { Failed, RoomEvent, Seated } from './roomEvent.js';

export interface ServeMembersOptions {
  /** Emits when the log has grown. */
  readonly grown$: Observable<unknown>;
  readonly retryMs: number;
}

type Own = Extract<RoomEvent, { type: 'joined' | 'refused' | 'pinged' | 'quiet' | 'left' }>;

/**
 * A room's events in, each member served from its own join to its own leave: its `WELCOME`, the log by its cursor, a
 * `PONG` for a `PING`, a `PING` where it is quiet, and at the end of the events what is left of the log, then `BYE`. Who
 * is refused, be it later on, gets its `ERR`. Emits only failures; closes every connection that it served, whatever
 * ended it.
 *
 * Events go to their member by one look-up: a member costs nothing while others talk, but its own catching up.
 *
 * ```text
 * event    joined a--refused b--tokens a--left a
 * to a     WELCOME--------------gAAAA…----(closed)
 * to b     ----------ERR (closed)
 * ```
 */
export const serveMembers =
  ({ grown$, retryMs }: ServeMembersOptions) =>
  (event$: Observable<RoomEvent>): Observable<Failed> =>
    event$.pipe(
      filter((event): event is Own => OWN.has(event.type)),
      groupUntil(
        ({ member }) => member,
        (own$) => own$.pipe(filter(isLast)),
      ),
      mergeMap((own$) =>
        own$.pipe(
          connect((event$) =>
            event$.pipe(
              mergeMap((event) => {
                switch (event.type) {
                  case 'joined':
                    return deliver(event, grown$, event$.pipe(filter(isBeat)), retryMs).pipe(
                      takeUntil(event$.pipe(filter(isLast))),
                    );
                  case 'refused':
                    return refuse(event.member, event.code, event.text);
                  case 'left':
                    // This hears of it before `takeUntil` does: told, and then closed.
                    return event.fault === undefined
                      ? EMPTY
                      : refuse(event.member, event.fault.code, event.fault.message);
                  default:
                    return EMPTY;
                }
              }),
            ),
          ),
        ),
      ),
    );

const OWN: ReadonlySet<RoomEvent['type']> = new Set(['joined', 'refused', 'pinged', 'quiet', 'left']);

const isLast = ({ type }: Own): boolean => type === 'refused' || type === 'left';

const isBeat = ({ type }: Own): boolean => type === 'pinged' || type === 'quiet';

const deliver = (
  { member, welcome, cursor }: Seated,
  grown$: Observable<unknown>,
  beat$: Observable<Own>,
  retryMs: number,
): Observable<Failed> => {
  // A PING or PONG waits for its turn like a slice does, and one stands for several: pinging without reading piles up
  // nothing.
  const due = new Set<'ping' | 'pong'>();
  const reader: Reader = {
    read: () => {
      for (const type of due) {
        due.delete(type);
        return encodeLine(controlLine({ type, n: cursor.position - 1 }));
      }
      return cursor.read();
    },
  };

  return concat(
    say(member, welcomeLine(welcome)),
    merge(grown$, beat$.pipe(tap(({ type }) => due.add(type === 'quiet' ? 'ping' : 'pong')))).pipe(
      fanOut({ cursor: reader, sink: member.connection }),
    ),
    say(member, controlLine({ type: 'bye', reason: 'shutdown', retryMs })),
  ).pipe(closing(member));
};

const refuse = (member: Member, code: string, text: string): Observable<Failed> =>
  say(member, controlLine({ type: 'err', code, text })).pipe(closing(member));

const say = ({ connection }: Member, line: string): Observable<never> =>
  defer(() => {
    connection.write(encodeLine(line));
    return EMPTY;
  });

/** Whatever ends what is written to a member ends its connection; an error is only its own. */
const closing =
  (member: Member) =>
  (written$: Observable<never>): Observable<Failed> =>
    written$.pipe(
      catchError((error: unknown) => of<Failed>({ type: 'failed', member, reason: String(error) })),
      finalize(() => {
        member.connection.close();
      }),
    );
