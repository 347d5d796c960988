import { defer, merge, type Observable, of, Subject, takeUntil, tap, throwError, timer } from 'rxjs';
import { relay, type RelayEvent, type RelayOptions } from '../../streams/relay/index.js';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { fakeHash, fakeVerify } from './fakeKeys.js';
import { type Fault, faults } from './faults.js';
import { type Link, virtualLink } from './virtualLink.js';

export interface FakeRelayOptions extends Partial<RelayOptions> {
  /** How long bytes take each way, in ms; 1. */
  readonly latency?: number;
  /** A script of what goes wrong (`faults`), from the first connection on. */
  readonly faults?: string;
}

/** A relay in memory, on virtual time. */
export interface FakeRelay {
  /** A way to it, for `room` and `connect`: makes one connection. Errors with `LinkError` while it is down. */
  readonly connect: () => Observable<Connection>;
  /** What happens in it, from now on. */
  readonly event$: Observable<RelayEvent>;
  /** Another number each time, from 1: what stands for chance with all who come to this relay. */
  readonly draw: () => number;
  /** Does a fault now. */
  readonly do: (fault: Fault) => void;
  /** Ends it, its timers too. */
  readonly stop: () => void;
}

/**
 * The relay itself, over connections in memory that can be broken: with it an application is tested in virtual time, under
 * a `TestScheduler`. Its proofs are those of `fakePlatform`; there is no secret and no chance in it.
 *
 * @example
 * import { deepStrictEqual as equal } from 'node:assert';
 * import { map, switchMap } from 'rxjs';
 * import { connectOn } from 'rxchat';
 * import { FAKE_INVITE, fakePlatform, fakeRelay, marbles } from 'rxchat/testing';
 *
 * marbles(
 *   ({ expectObservable }) => {
 *     const relay = fakeRelay({ faults: '10s cut' });
 *     const here$ = connectOn(fakePlatform(relay))(FAKE_INVITE, { nick: 'alice' });
 *     const type$ = here$.pipe(
 *       switchMap(({ state$ }) => state$),
 *       map(({ type }) => type.charAt(0)),
 *     );
 *     expectObservable(type$).toBe('c--o 9996ms o 499ms c--o');
 *   },
 *   { equal, until: 20_000 },
 * );
 */
export const fakeRelay = ({
  latency = 1,
  faults: script = '',
  ...options
}: FakeRelayOptions = {}): FakeRelay => {
  const connection = new Subject<Connection>();
  const event = new Subject<RelayEvent>();
  const stopped = new Subject<void>();
  const fault$ = faults(script);
  let links: Link[] = [];
  let quality = latency;
  let isDown = false;
  let runs = false;
  let drawn = 0;

  const act = (fault: Fault) => {
    switch (fault.type) {
      case 'delay':
        quality = fault.ms;
        for (const link of links) link.slow(fault.ms);
        return;
      case 'freeze':
      case 'thaw':
        for (const link of links) link[fault.type]();
        return;
      case 'half-open':
        for (const link of links) link.vanish();
        return;
      case 'up':
        isDown = false;
        return;
      case 'down':
      case 'cut': {
        isDown ||= fault.type === 'down';
        const broken = links;
        links = [];
        for (const link of broken) link.reset();
      }
    }
  };

  const run = () => {
    if (runs) return;
    runs = true;
    merge(
      connection.pipe(
        relay({
          nonce: () => new Uint8Array(32),
          verify: fakeVerify,
          hash: fakeHash,
          logId: () => 'log',
          turn$: timer(0),
          ...options,
        }),
        tap((each) => {
          event.next(each);
        }),
      ),
      fault$.pipe(tap(act)),
    )
      .pipe(takeUntil(stopped))
      .subscribe({
        error: (error: unknown) => {
          event.error(error);
        },
      });
  };

  return {
    connect: () =>
      defer(() => {
        run();
        if (isDown) return throwError(() => new LinkError('the relay cannot be reached'));
        const link = virtualLink({ latency: quality });
        links.push(link);
        connection.next(link.far);
        return of(link.near);
      }),
    event$: event.asObservable(),
    draw: () => (drawn += 1),
    do: act,
    stop: () => {
      stopped.next();
    },
  };
};
