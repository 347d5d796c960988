import { describe, expect, test } from '@jest/globals';
import {
  asyncScheduler,
  concat,
  defer,
  delay,
  EMPTY,
  filter,
  finalize,
  ignoreElements,
  map,
  NEVER,
  type Observable,
  of,
  Subject,
  take,
  takeWhile,
  tap,
  throwError,
} from 'rxjs';
import {
  type Offline,
  reconnect,
  type ReconnectOptions,
} from '../../../../streams/client/reconnect/reconnect.js';
import { ConnectionError } from '../../../../streams/wire/errors.js';
import { marbles } from '../../../support/marbles.js';

const fatal = new Error('no such room');
const broken = new ConnectionError('reset by peer');

/** `w` means that the connection is up. `b` asks for a delay of 2 s, `z` of 0, `y` of for ever. */
const options: ReconnectOptions<string> = {
  random: () => 0,
  now: () => asyncScheduler.now(),
  isUp: (value) => value === 'w',
  closeReason: (value) => {
    const retryMs = ({ b: 2000, z: 0, y: 1e15 } as Partial<Record<string, number>>)[value];
    return retryMs === undefined ? undefined : { reason: 'the relay is shutting down', retryMs };
  },
  isFatal: (error) => error === fatal,
};

/** Runs `reconnect`, with each `offline` as `attempt reason, ms`. */
const lasting = (more: Partial<ReconnectOptions<string>> = {}) => {
  const operator = reconnect<string>({ ...options, ...more });
  return (link$: Observable<string>) => link$.pipe(operator, map(summarize));
};

const summarize = (value: string | Offline): string =>
  typeof value === 'string' ? value : `${value.attempt} ${value.reason}, ${value.retryMs}`;

/** Connects to each link in order, and to the last one repeatedly. */
const linksOf = (...links: readonly Observable<string>[]): Observable<string> => {
  let n = 0;
  return defer(() => links[Math.min(n++, links.length - 1)]!);
};

const out = {
  ...Object.fromEntries(['a', 'b', 'w', 'x', 'y', 'z'].map((value) => [value, value])),
  1: '1 reset by peer, 500',
  2: '2 reset by peer, 1000',
  3: '3 reset by peer, 2000',
  4: '4 reset by peer, 4000',
  c: '1 the relay closed the connection, 500',
  d: '2 the relay closed the connection, 1000',
  B: '1 the relay is shutting down, 2000',
  C: '2 the relay is shutting down, 2000',
  S: '1 the relay did not answer, 0',
};

describe('reconnect', () => {
  test('reconnect passes the values of a connection on', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const link$ = cold('                        -w-a 60m x');
      expectObservable(link$.pipe(lasting())).toBe('-w-a 60m x', out);
      expectSubscriptions(link$.subscriptions).toBe('^');
    });
  });

  test('reconnect emits nothing for a silent connection', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-').pipe(lasting())).toBe('-');
    });
  });

  test('reconnect emits offline and subscribes again when a connection errors', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const link$ = cold('                                      -w-#', undefined, broken);
      const unsub = '                                           1510ms !';
      expectObservable(link$.pipe(lasting()), unsub).toBe('     -w-1 500ms w-2 1000ms w-3', out);
      expectSubscriptions(link$.subscriptions).toBe(['^--!', '503ms ^--!', '1506ms ^--!']);
    });
  });

  test('reconnect emits offline and subscribes again when a connection completes', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const link$ = cold('                                      -w-|');
      const unsub = '                                           510ms !';
      expectObservable(link$.pipe(lasting()), unsub).toBe('     -w-c 500ms w-d', out);
      expectSubscriptions(link$.subscriptions).toBe(['^--!', '503ms ^--!']);
    });
  });

  test('reconnect reports the reason when the thrown value is not an Error', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('#', undefined, 'odd').pipe(lasting()), '9ms !').toBe('o', { o: '1 odd, 500' });
    });
  });

  test('reconnect releases a connection before it emits offline', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      let alive = 0;
      const seen: number[] = [];
      const ending$ = linksOf(cold('w|'), cold('w#'), cold('w'));
      const link$ = defer(() => {
        alive += 1;
        return ending$.pipe(finalize(() => (alive -= 1)));
      });
      const out$ = link$.pipe(
        reconnect({ ...options, wake$: hot('2s s') }),
        filter((value) => typeof value !== 'string'),
        tap(() => seen.push(alive)),
        map(summarize),
      );
      const reported = { ...out, 2: '2 error, 1000' };
      expectObservable(out$, '6200ms !').toBe('-c 500ms 2 5597ms S', reported);
      flush();
      expect(seen).toStrictEqual([0, 0, 0]);
      expect(alive).toBe(0);
    });
  });
});

describe('the delay of reconnect', () => {
  const chances = [
    { x: 0, delays: [500, 1000, 2000, 4000, 8000, 15_000, 15_000] },
    { x: 0.5, delays: [750, 1500, 3000, 6000, 12_000, 22_500, 22_500] },
    { x: 0.999, delays: [1000, 1999, 3998, 7996, 15_992, 29_985, 29_985] },
  ];

  test.each(chances)(
    'the delay grows while no connection comes up: $waits, at random $x',
    ({ x, delays }) => {
      marbles(({ cold, expectObservable }) => {
        const link$ = cold('#', undefined, broken);
        const picture = delays.map((_, n) => (n === 0 ? '0' : `${delays[n - 1]! - 1}ms ${n}`)).join(' ');
        const reported = Object.fromEntries(delays.map((ms, n) => [n, `${n + 1} reset by peer, ${ms}`]));
        const sum = delays.reduce((a, b) => a + b);
        expectObservable(link$.pipe(lasting({ random: () => x })), `${sum - 1}ms !`).toBe(picture, reported);
      });
    },
  );

  test('the delay grows while connections are up for a short time only', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = cold('w 9s #', undefined, broken);
      expectObservable(link$.pipe(lasting()), '19s !').toBe('w 9s 1 499ms w 9s 2', out);
    });
  });

  test('the delay is reset after a connection of 10 s', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('#', undefined, broken), cold('w 9999ms #', undefined, broken));
      const picture = '1 499ms w 9999ms 1 499ms w 9999ms 1';
      expectObservable(link$.pipe(lasting()), '21001ms !').toBe(picture, out);
    });
  });

  test('the delay is not reset after a connection of 9.999 s', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('#', undefined, broken), cold('w 9998ms #', undefined, broken));
      const picture = '1 499ms w 9998ms 2 999ms w 9998ms 3';
      expectObservable(link$.pipe(lasting()), '21499ms !').toBe(picture, out);
    });
  });

  test('the time of a connection counts from when it was up', () => {
    marbles(({ cold, expectObservable }) => {
      const first$ = cold('#', undefined, broken);
      const slow$ = linksOf(first$, cold('9s w 2s #', undefined, broken));
      const never$ = linksOf(first$, cold('a 20s #', undefined, broken));
      const twice$ = linksOf(first$, cold('w 8s w 2s #', undefined, broken));
      expectObservable(slow$.pipe(lasting()), '12s !').toBe(' 1 499ms 9s w 2s 2', out);
      expectObservable(never$.pipe(lasting()), '21s !').toBe('1 499ms a 20s 2', out);
      expectObservable(twice$.pipe(lasting()), '11s !').toBe('1 499ms w 8s w 2s 1', out);
    });
  });

  test('reconnect uses stableAfterMs of its options', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('#', undefined, broken), cold('w 9ms #', undefined, broken));
      expectObservable(link$.pipe(lasting({ stableAfterMs: 10 })), '520ms !').toBe('1 499ms w 9ms 1', out);
      const short$ = linksOf(cold('#', undefined, broken), cold('w 8ms #', undefined, broken));
      expectObservable(short$.pipe(lasting({ stableAfterMs: 10 })), '520ms !').toBe('1 499ms w 8ms 2', out);
    });
  });
});

describe('other peers', () => {
  test('the next attempt reaches another peer within 500 ms, whatever delay was requested', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('(wb|)'), cold('w'));
      const half = { otherPeers: 1, random: () => 0.5 };
      expectObservable(link$.pipe(lasting(half)), '1s !').toBe('(wbo) 245ms w', {
        ...out,
        o: '1 the relay is shutting down, 250',
      });
    });
  });

  test('only as many attempts in a row as there are other peers follow at once', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = cold('w----#', undefined, broken);
      expectObservable(link$.pipe(lasting({ otherPeers: 2 })), '2018ms !').toBe('w----(xw)-(yw)-3 1999ms w', {
        ...out,
        x: '1 reset by peer, 0',
        y: '2 reset by peer, 0',
      });
    });
  });

  test('after a stable connection, attempts follow at once again', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('w#', undefined, broken), cold('w 9999ms #', undefined, broken));
      const o = '1 reset by peer, 0';
      expectObservable(link$.pipe(lasting({ otherPeers: 1 })), '15s !').toBe('w(ow) 9996ms (ow)', {
        ...out,
        o,
      });
    });
  });

  test('an attempt that was never up is followed by the usual delay', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('w#', undefined, broken), cold('#', undefined, broken), cold('w'));
      expectObservable(link$.pipe(lasting({ otherPeers: 1 })), '2s !').toBe('w(o2) 996ms w', {
        ...out,
        o: '1 reset by peer, 0',
      });
    });
  });

  test('the pace that a restarting peer requested holds after the attempt at another one', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('(wb|)'), cold('#', undefined, broken), cold('w'));
      expectObservable(link$.pipe(lasting({ otherPeers: 1 })), '5s !').toBe('(wbo2) 994ms w', {
        ...out,
        o: '1 the relay is shutting down, 0',
      });
    });
  });
});

describe('a requested delay', () => {
  test('reconnect waits for the requested delay, and counts the attempt', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('b|'), cold('b|'), cold('#', undefined, broken));
      expectObservable(link$.pipe(lasting()), '4010ms !').toBe('bB 1999ms bC 1999ms 3', out);
    });
  });

  test.each([
    { x: 0, ms: 2000 },
    { x: 0.5, ms: 2500 },
    { x: 0.999, ms: 2999 },
  ])('the requested delay has up to 50 % jitter: $ms ms at random $x', ({ x, ms }) => {
    marbles(({ cold, expectObservable }) => {
      const link$ = cold('b|');
      const reported = { ...out, o: `1 the relay is shutting down, ${ms}` };
      const unsub = `${ms + 2}ms !`;
      expectObservable(link$.pipe(lasting({ random: () => x })), unsub).toBe(`bo ${ms - 1}ms b`, reported);
    });
  });

  test('the requested delay applies when the connection breaks before it closes', () => {
    marbles(({ cold, expectObservable }) => {
      const reported = { ...out, o: '1 reset by peer, 2000' };
      expectObservable(cold('wb#', out, broken).pipe(lasting()), '1s !').toBe('wbo', reported);
    });
  });

  test('the requested delay does not apply after another value, nor to the next connection', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('ba|').pipe(lasting()), '100ms !').toBe('bac', out);
      const link$ = linksOf(cold('b|'), cold('|'));
      expectObservable(link$.pipe(lasting()), '2100ms !').toBe('bB 1999ms d', out);
    });
  });

  test.each([
    { x: 0, delays: [1000, 1000, 1000, 1000, 1000, 2000, 4000, 8000, 15_000] },
    { x: 0.5, delays: [1250, 1250, 1250, 1250, 1500, 3000, 6000, 12_000, 22_500] },
  ])('the requested delay is kept for 5 s, then the delays grow: $waits, at random $x', ({ x, delays }) => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('s|', { s: 's' }), cold('#', undefined, broken));
      const asks = {
        ...options,
        closeReason: () => ({ reason: 'restart', retryMs: 1000 }),
        random: () => x,
      };
      const delays$ = link$.pipe(
        reconnect(asks),
        filter((value) => typeof value !== 'string'),
        map(({ retryMs }) => retryMs),
      );
      const picture = delays.map((_, n) => (n === 0 ? '-0' : `${delays[n - 1]! - 1}ms ${n}`)).join(' ');
      expectObservable(delays$, `${delays.reduce((a, b) => a + b)}ms !`).toBe(picture, delays);
    });
  });

  test('a requested delay of 0 ms leads to the backoff', () => {
    marbles(({ cold, expectObservable }) => {
      const reported = {
        ...out,
        o: '1 the relay is shutting down, 500',
        p: '2 the relay is shutting down, 1000',
      };
      expectObservable(cold('z|').pipe(lasting()), '510ms !').toBe('zo 499ms zp', reported);
    });
  });

  test('a requested delay is limited to an hour', () => {
    marbles(({ cold, expectObservable }) => {
      const reported = { ...out, o: '1 the relay is shutting down, 3600000' };
      expectObservable(cold('y|').pipe(lasting()), '3600002ms !').toBe('yo 3599999ms y', reported);
    });
  });
});

describe('wake-ups', () => {
  test('a wake-up ends the delay and resets the attempts', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const link$ = cold('#', undefined, broken);
      const wake$ = hot('2s s');
      const picture = '1 499ms 2 999ms 3 499ms 1 499ms 2';
      expectObservable(link$.pipe(lasting({ wake$ })), '2600ms !').toBe(picture, out);
      expectSubscriptions(link$.subscriptions).toBe([
        '(^!)',
        '500ms (^!)',
        '1500ms (^!)',
        '2000ms (^!)',
        '2500ms (^!)',
      ]);
    });
  });

  test('a wake-up ends a requested delay', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const wake$ = hot('100ms s');
      const link$ = linksOf(cold('b|'), cold('w'));
      expectObservable(link$.pipe(lasting({ wake$ })), '3s !').toBe('bB 98ms w', out);
    });
  });

  test('a wake-up probes the connection that is up, and drops it without an answer', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const link$ = cold('-w 20s -');
      const wake$ = hot('----s 8s s');
      let pings = 0;
      const ping = () => (pings += 1);
      const reported = '-w-- 4100ms Sw 3898ms -';
      expectObservable(link$.pipe(lasting({ wake$, ping })), '8003ms !').toBe(reported, out);
      expectSubscriptions(link$.subscriptions).toBe(['^ 4103ms !', '4104ms ^ 3898ms !']);
      expectSubscriptions(wake$.subscriptions).toBe('^ 8002ms !');
      expectObservable(
        of(0).pipe(
          delay(8100),
          map(() => pings),
        ),
      ).toBe('8100ms (p|)', { p: 1 });
    });
  });

  test('a wake-up keeps the connection when there is any activity', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const link$ = cold('                                         -w 4s a 9s -');
      const wake$ = hot('                                          ----s 9s -');
      expectObservable(link$.pipe(lasting({ wake$ })), '9s !').toBe('-w 4s a', out);
      expectSubscriptions(link$.subscriptions).toBe('              ^ 8999ms !');
      const alive$ = hot('                                         ------x 9s -');
      expectObservable(cold('-w').pipe(lasting({ wake$, activity$: alive$ })), '9s !').toBe('-w', out);
    });
  });

  test('a wake-up keeps a connection while reading is paused', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const wake$ = hot('----s');
      expectObservable(cold('-w').pipe(lasting({ wake$, isPaused: () => true })), '9s !').toBe('-w', out);
    });
  });

  test('a wake-up leaves a connection that is not up yet, and resets the attempts', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const failing$ = cold('#', undefined, broken);
      const slow$ = cold('a 8s w');
      const never$ = cold('9s #', undefined, broken);
      const wake$ = hot('100ms s 700ms s');
      expectObservable(slow$.pipe(lasting({ wake$ })), '10s !').toBe('a 8s w', out);
      expectSubscriptions(slow$.subscriptions).toBe('^ 9999ms !');
      const link$ = linksOf(failing$, failing$, never$, failing$);
      const late$ = hot('                                            1600ms s');
      const picture = '1 499ms 2 9999ms 1 499ms 2';
      expectObservable(link$.pipe(lasting({ wake$: late$ })), '11010ms !').toBe(picture, {
        ...out,
        1: '1 reset by peer, 500',
      });
    });
  });

  test('a dropped connection has no requested delay', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const link$ = linksOf(cold('(wb)'), cold('-#', undefined, broken));
      const wake$ = hot('--s');
      expectObservable(link$.pipe(lasting({ wake$ })), '4200ms !').toBe('(wb) 4098ms S1', out);
    });
  });

  test('a wake-up counts when the connection fails first', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const link$ = linksOf(cold('w--#', undefined, broken), cold('w'));
      const wake$ = hot('----s');
      expectObservable(link$.pipe(lasting({ wake$ })), '9ms !').toBe('w--1w', out);
      expectSubscriptions(wake$.subscriptions).toBe('^--------!');
    });
  });

  test('reconnect goes on when wake$ completes', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = cold('w#', undefined, broken);
      expectObservable(link$.pipe(lasting({ wake$: EMPTY })), '503ms !').toBe('w1 499ms w2', out);
      const dropped$ = linksOf(cold('w'), cold('x'));
      const wake$ = cold('-(s|)');
      expectObservable(dropped$.pipe(lasting({ wake$ })), '4110ms !').toBe('w 4100ms (Sx)', out);
    });
  });

  test('reconnect errors with wake$, connected or waiting', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const fault = new Error('no clock');
      const link$ = cold('w');
      const wake$ = cold('--#', undefined, fault);
      expectObservable(link$.pipe(lasting({ wake$ }))).toBe('w-#', out, fault);
      expectSubscriptions(link$.subscriptions).toBe('^-!');
      expectObservable(cold('#', undefined, broken).pipe(lasting({ wake$ })), '9s !').toBe('1-#', out, fault);
    });
  });
});

describe('a fatal error', () => {
  test('reconnect errors with a fatal error', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions, flush }) => {
      const link$ = cold('                                    -w-#', undefined, fatal);
      const wake$ = hot('                                     -----');
      expectObservable(link$.pipe(lasting({ wake$ })), '400ms !').toBe('-w-#', out, fatal);
      expectSubscriptions(link$.subscriptions).toBe('         ^--!');
      expectSubscriptions(wake$.subscriptions).toBe('         ^--!');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(500);
    });
  });

  test.each([
    { name: 'no link was up', first: '#', picture: '1 499ms #' },
    { name: 'this link is up', first: '#', second: 'w#', picture: '1 499ms w2' },
    { name: 'an earlier link was up', first: 'w#', picture: 'w1 499ms 2' },
    { name: 'a link said something else', first: 'a#', picture: 'a1 499ms #' },
  ])('isFatal depends on whether any connection was up: $name', ({ first, second = '#', picture }) => {
    marbles(({ cold, expectObservable }) => {
      const isFatal = (error: unknown, wasUp: boolean) => error === fatal && !wasUp;
      const reported = { ...out, 2: '2 no such room, 1000' };
      const link$ = linksOf(cold(first, undefined, broken), cold(second, undefined, fatal));
      expectObservable(link$.pipe(lasting({ isFatal })), '510ms !').toBe(picture, reported, fatal);
    });
  });

  test('reconnect errors when a callback throws, whatever isFatal returns', () => {
    const fault = new Error('fault');
    const fail = () => {
      throw fault;
    };
    for (const more of [{ isUp: fail }, { closeReason: fail }, { now: fail }])
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const link$ = cold('-w-a');
        const operator = lasting({ ...more, isFatal: () => false });
        expectObservable(link$.pipe(operator), '9s !').toBe('-#', out, fault);
        expectSubscriptions(link$.subscriptions).toBe('^!');
      });
    for (const more of [{ random: fail }, { isFatal: fail }])
      marbles(({ cold, expectObservable }) => {
        expectObservable(cold('-#').pipe(lasting(more)), '9s !').toBe('-#', out, fault);
      });
  });
});

describe('unsubscribing', () => {
  const phases = [
    { name: 'as the link begins', unsub: '     !', links: ['(^!)'], listens: ' (^!)' },
    { name: 'while the link is up', unsub: '   --!', links: ['^-!'], listens: '^-!' },
    { name: 'while waiting', unsub: '          -----!', links: ['^--!'], listens: '^----!' },
    {
      name: 'while the next link is up',
      unsub: '505ms !',
      links: ['^--!', '503ms ^-!'],
      listens: '^ 504ms !',
    },
  ];

  test.each(phases)('unsubscribing $name releases the connection, the timer and wake$', (phase) => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions, flush }) => {
      const link$ = cold('-w-#', undefined, broken);
      const wake$ = hot(' -');
      expectObservable(link$.pipe(lasting({ wake$ })), phase.unsub);
      expectSubscriptions(link$.subscriptions).toBe(phase.links);
      expectSubscriptions(wake$.subscriptions).toBe(phase.listens);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(phase.links.length === 1 ? 500 : 1000);
    });
  });

  test('unsubscribing during offline starts no timer', () => {
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const link$ = cold('-#', undefined, broken);
      expectObservable(link$.pipe(lasting(), take(1))).toBe('-(1|)', out);
      expectSubscriptions(link$.subscriptions).toBe('^!');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(500);
    });
  });

  test('one reconnect operator serves two subscribers with attempts of their own', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = lasting({ isFatal: (error, wasUp) => error === fatal && !wasUp });
      const lasting$ = cold('#', undefined, broken).pipe(operator);
      expectObservable(lasting$, '510ms !').toBe('1 499ms 2', out);
      expectObservable(lasting$, '100ms ^ 510ms !').toBe('100ms 1 499ms 2', out);
      expectObservable(cold('w').pipe(operator)).toBe('w', out);
      expectObservable(cold('-#', undefined, fatal).pipe(operator), '9s !').toBe('-#', out, fatal);
    });
  });
});

/** Returns the depth of the call stack. */
const depth = (): number => {
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = Infinity;
    return new Error('here').stack?.split('\n').length ?? 0;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
};

describe('many connections', () => {
  const ends = [
    { name: 'complete', link$: EMPTY },
    { name: 'error', link$: throwError(() => broken) },
    { name: 'say something and complete', link$: of('w') },
  ];

  test.each(ends)(
    '10 000 connections that $name at their subscription do not grow the stack',
    ({ link$ }) => {
      marbles(({ expectObservable, flush }) => {
        const depths = new Set<number>();
        let alive = 0;
        let most = 0;
        const measured$ = defer(() => {
          most = Math.max(most, (alive += 1));
          return link$.pipe(finalize(() => (alive -= 1)));
        });
        let x = 0;
        const random = () => (x = (x + 0.618) % 1);
        let longest = 0;
        let reported = 0;
        const offline$ = measured$.pipe(
          reconnect({ ...options, random }),
          filter((value) => typeof value !== 'string'),
          take(10_000),
          map(({ retryMs }) => {
            reported += 1;
            longest = Math.max(longest, retryMs);
            // The first one is emitted within the subscription, the others by a timer.
            if ([10, 100, 9990].includes(reported)) depths.add(depth());
          }),
          takeWhile(() => depths.size < 2),
          ignoreElements(),
        );
        expectObservable(offline$);
        flush();
        expect(reported).toBe(10_000);
        expect(longest).toBeLessThanOrEqual(30_000);
        expect([alive, most]).toStrictEqual([0, 1]);
      });
    },
  );

  test('10 000 wake-ups caused by the connection do not grow the stack', () => {
    marbles(({ expectObservable, flush }) => {
      const woken = new Subject<void>();
      const depths = new Set<number>();
      let started = 0;
      const link$ = defer(() => {
        started += 1;
        if (started === 1) return EMPTY;
        const wake$ = defer(() => {
          woken.next();
          return NEVER;
        });
        return concat(of('w'), wake$);
      });
      const offline$ = link$.pipe(
        lasting({ wake$: woken }),
        filter((sent) => sent !== 'w'),
        take(10_000),
        takeWhile(() => {
          if ([10, 100, 9990].includes(started)) depths.add(depth());
          return depths.size < 2;
        }),
        ignoreElements(),
      );
      expectObservable(offline$);
      flush();
      expect(started).toBe(10_000);
      expect(woken.observed).toBe(false);
    });
  });
});
