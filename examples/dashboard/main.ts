/**
 * A dashboard: a room is one stream among others. Each line is the newest of all of them, once a second at most: how many
 * people are here, how many messages came in the last minute, and how busy this machine is.
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
import { connect, type Session } from 'rxchat';

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
    people: session.member$.pipe(map(({ count }) => count)),
    messages: lastMinute(session),
    load: load$,
  });

connect(process.env['RXCHAT_INVITE'] ?? '', { nick: 'dashboard' })
  .pipe(
    switchMap(row),
    auditTime(1000),
    map(
      ({ state, people, messages, load }) => `${state}: ${people} here, ${messages} a minute, load ${load}`,
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
