/**
 * A dashboard that combines a room with other streams. At most once a second, it prints the number of members, the
 * number of messages in the last minute, and the load of this machine.
 *
 * RXCHAT_INVITE='rxchat://...' node main.js
 */
import { loadavg } from 'node:os';
import {
  auditTime,
  combineLatest,
  distinctUntilChanged,
  map,
  merge,
  mergeMap,
  of,
  scan,
  startWith,
  switchMap,
  timer,
} from 'rxjs';
import { openSession, type Session } from 'rxchat';

const MINUTE = 60_000;

const load$ = timer(0, 5000).pipe(map(() => (loadavg()[0] ?? 0).toFixed(1)));

const lastMinute = ({ message$ }: Session) =>
  message$.pipe(
    mergeMap(() => merge(of(1), timer(MINUTE).pipe(map(() => -1)))),
    scan((count, change) => count + change, 0),
    startWith(0),
  );

const row = (session: Session) =>
  combineLatest({
    state: session.state$.pipe(map(({ type }) => type)),
    members: session.roster$.pipe(map(({ count }) => count)),
    messages: lastMinute(session),
    load: load$,
  });

openSession(process.env['RXCHAT_INVITE'] ?? '', { nick: 'dashboard' })
  .pipe(
    switchMap(row),
    auditTime(1000),
    map(
      ({ state, members, messages, load }) => `${state}: ${members} here, ${messages} a minute, load ${load}`,
    ),
    distinctUntilChanged(),
  )
  .subscribe({
    next: (line) => {
      console.log(line);
    },
    error: (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  });
