import {
  defer,
  merge,
  type Observable,
  of,
  Subject,
  takeUntil,
  tap,
  throwError,
  timer,
  concatMap,
  from,
  ignoreElements,
} from 'rxjs';
import { relay, type RelayEvent, type RelayOptions } from '../../streams/relay/index.js';
import { type Connection, ConnectionError } from '../../streams/wire/index.js';
import { fakeHash, fakeVerify } from './fakePrimitives.js';
import { type VirtualConnection, virtualConnection } from './connections.js';

export interface FakeRelayOptions extends Partial<RelayOptions> {
  /** Latency in each direction in ms. Default 1. */
  readonly latencyMs?: number;
  /** A fault script (`faults`) that starts with the first connection. */
  readonly faults?: string;
}

/** A relay in memory, on virtual time. */
export interface FakeRelay {
  /** Connects to the relay, for `joinRoom` and `openSession`. Errors with `ConnectionError` while it is down. */
  readonly connect: () => Observable<Connection>;
  /** Emits the events of the relay from now on. Hot. */
  readonly event$: Observable<RelayEvent>;
  /** Returns the next number, from 1, in place of randomness. */
  readonly nextNumber: () => number;
  /** Injects a fault now. */
  readonly inject: (fault: Fault) => void;
  /** Stops the relay and its timers. */
  readonly stop: () => void;
}

/**
 * Runs the real relay over in-memory connections that can be broken, to test an application in virtual time
 * under a `TestScheduler`. It accepts the proofs of `fakePlatform`, and it is deterministic.
 *
 * @example
 * import { deepStrictEqual as equal } from 'node:assert';
 * import { map, switchMap } from 'rxjs';
 * import { createOpenSession } from 'rxchat';
 * import { FAKE_INVITE, fakePlatform, fakeRelay, marbles } from 'rxchat/testing';
 *
 * marbles(
 *   ({ expectObservable }) => {
 *     const relay = fakeRelay({ faults: '10s cut' });
 *     const here$ = createOpenSession(fakePlatform(relay))(FAKE_INVITE, { nick: 'alice' });
 *     const type$ = here$.pipe(
 *       switchMap(({ state$ }) => state$),
 *       map(({ type }) => type.charAt(0)),
 *     );
 *     expectObservable(type$).toBe('c--o 9996ms o 499ms c--o');
 *   },
 *   { equal, untilMs: 20_000 },
 * );
 */
export const fakeRelay = ({
  latencyMs = 1,
  faults: script = '',
  ...options
}: FakeRelayOptions = {}): FakeRelay => {
  const connection = new Subject<Connection>();
  const event = new Subject<RelayEvent>();
  const stopped = new Subject<void>();
  const fault$ = faults(script);
  let links: VirtualConnection[] = [];
  let currentLatencyMs = latencyMs;
  let isDown = false;
  let isRunning = false;
  let count = 0;

  const act = (fault: Fault) => {
    switch (fault.type) {
      case 'delay':
        currentLatencyMs = fault.ms;
        for (const link of links) link.setLatency(fault.ms);
        return;
      case 'freeze':
      case 'thaw':
        for (const link of links) link[fault.type]();
        return;
      case 'half-open':
        for (const link of links) link.goSilent();
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

  const start = () => {
    if (isRunning) return;
    isRunning = true;
    merge(
      connection.pipe(
        relay({
          nonce: () => new Uint8Array(32),
          verify: fakeVerify,
          hash: fakeHash,
          logId: () => 'log',
          endOfTick$: timer(0),
          ...options,
        }),
        tap((relayEvent) => {
          event.next(relayEvent);
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
        start();
        if (isDown) return throwError(() => new ConnectionError('the relay cannot be reached'));
        const link = virtualConnection({ latencyMs: currentLatencyMs });
        links.push(link);
        connection.next(link.relayEnd);
        return of(link.clientEnd);
      }),
    event$: event.asObservable(),
    nextNumber: () => (count += 1),
    inject: act,
    stop: () => {
      stopped.next();
    },
  };
};

/**
 * A fault between client and relay:
 *
 * - `cut`: all connections break
 * - `freeze`, `thaw`: bytes are held back in both directions, and released
 * - `half-open`: bytes are dropped in both directions without an error
 * - `down`, `up`: the relay is unreachable and its connections break, until it is reachable again
 * - `delay=200ms`: changes the latency
 */
export type Fault =
  | { readonly type: 'cut' | 'freeze' | 'thaw' | 'half-open' | 'down' | 'up' }
  | { readonly type: 'delay'; readonly ms: number };

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };
const NAMES: ReadonlySet<string> = new Set(['cut', 'freeze', 'thaw', 'half-open', 'down', 'up']);

const parseDuration = (text: string): number | undefined => {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (UNITS[unit] ?? 0);
};

const parseStep = (word: string): Fault | number => {
  const ms = parseDuration(word);
  if (ms !== undefined) return ms;
  if (NAMES.has(word)) return { type: word as 'cut' };
  const delay = word.startsWith('delay=') ? parseDuration(word.slice('delay='.length)) : undefined;
  if (delay !== undefined) return { type: 'delay', ms: delay };
  throw new TypeError(
    `a fault script has no ${JSON.stringify(word)}: it has times (100ms, 5s, 1m), ${[...NAMES].join(', ')} and delay=TIME`,
  );
};

/**
 * Parses a fault script: words separated by spaces, executed in order. A time waits, as in marbles. Emits each
 * fault at its time, then completes. Throws a `TypeError` immediately if a word is unknown.
 *
 * ```text
 * faults('10s cut 5s freeze 1m thaw')
 * 10s cut 5s freeze 1m (thaw|)
 * ```
 *
 * @example
 * import { faults } from 'rxchat/testing';
 *
 * faults('10s cut 5s down 1m up').subscribe({ next: ({ type }) => console.log(type), error: console.error });
 */
export const faults = (script: string): Observable<Fault> => {
  const steps = script
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(parseStep);
  return from(steps).pipe(
    concatMap((step) => (typeof step === 'number' ? timer(step).pipe(ignoreElements()) : of(step))),
  );
};
