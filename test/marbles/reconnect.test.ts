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
import { type Offline, reconnect, type ReconnectOptions } from '../../streams/client/reconnect.js';
import { LinkError } from '../../streams/wire/errors.js';
import { marbles } from '../support/marbles.js';

const fatal = new Error('no such room');
const broken = new LinkError('reset by peer');

/** `w` says that the link is up; `b` asks to wait for 2 s, `z` for 0, `y` for ever. */
const options: ReconnectOptions<string> = {
  random: () => 0,
  now: () => asyncScheduler.now(),
  isUp: (value) => value === 'w',
  farewell: (value) => {
    const retryMs = ({ b: 2000, z: 0, y: 1e15 } as Partial<Record<string, number>>)[value];
    return retryMs === undefined ? undefined : { reason: 'the relay is shutting down', retryMs };
  },
  isFatal: (error) => error === fatal,
};

/** What comes out, with each `offline` as `attempt reason, ms`. */
const lasting = (more: Partial<ReconnectOptions<string>> = {}) => {
  const operator = reconnect<string>({ ...options, ...more });
  return (link$: Observable<string>) => link$.pipe(operator, map(tell));
};

const tell = (value: string | Offline): string =>
  typeof value === 'string' ? value : `${value.attempt} ${value.reason}, ${value.retryMs}`;

/** One link after the other; the last one for good. */
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
  test('passes on what a link says, for as long as there is one', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const link$ = cold('                        -w-a 60m x');
      expectObservable(link$.pipe(lasting())).toBe('-w-a 60m x', out);
      expectSubscriptions(link$.subscriptions).toBe('^');
    });
  });

  test('makes nothing of a link that never says anything', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-').pipe(lasting())).toBe('-');
    });
  });

  test('subscribes anew when a link errors, and says so before', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const link$ = cold('                                      -w-#', undefined, broken);
      const unsub = '                                           1510ms !';
      expectObservable(link$.pipe(lasting()), unsub).toBe('     -w-1 500ms w-2 1000ms w-3', out);
      expectSubscriptions(link$.subscriptions).toBe(['^--!', '503ms ^--!', '1506ms ^--!']);
    });
  });

  test('subscribes anew when a link completes, all the same', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const link$ = cold('                                      -w-|');
      const unsub = '                                           510ms !';
      expectObservable(link$.pipe(lasting()), unsub).toBe('     -w-c 500ms w-d', out);
      expectSubscriptions(link$.subscriptions).toBe(['^--!', '503ms ^--!']);
    });
  });

  test('says the reason also where what was thrown is no Error', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('#', undefined, 'odd').pipe(lasting()), '9ms !').toBe('o', { o: '1 odd, 500' });
    });
  });

  test('has let go of a link by the time it says that it is offline', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      let alive = 0;
      const seen: number[] = [];
      const ending$ = linksOf(cold('w|'), cold('w#'), cold('w'));
      const link$ = defer(() => {
        alive += 1;
        return ending$.pipe(finalize(() => (alive -= 1)));
      });
      const out$ = link$.pipe(
        reconnect({ ...options, woke$: hot('2s s') }),
        filter((value) => typeof value !== 'string'),
        tap(() => seen.push(alive)),
        map(tell),
      );
      const told = { ...out, 2: '2 error, 1000' };
      expectObservable(out$, '6200ms !').toBe('-c 500ms 2 5597ms S', told);
      flush();
      expect(seen).toStrictEqual([0, 0, 0]);
      expect(alive).toBe(0);
    });
  });
});

describe('the wait', () => {
  const chances = [
    { x: 0, waits: [500, 1000, 2000, 4000, 8000, 15_000, 15_000] },
    { x: 0.5, waits: [750, 1500, 3000, 6000, 12_000, 22_500, 22_500] },
    { x: 0.999, waits: [1000, 1999, 3998, 7996, 15_992, 29_985, 29_985] },
  ];

  test.each(chances)('grows while no link comes up: $waits, with chance at $x', ({ x, waits }) => {
    marbles(({ cold, expectObservable }) => {
      const link$ = cold('#', undefined, broken);
      const picture = waits.map((_, n) => (n === 0 ? '0' : `${waits[n - 1]! - 1}ms ${n}`)).join(' ');
      const told = Object.fromEntries(waits.map((ms, n) => [n, `${n + 1} reset by peer, ${ms}`]));
      const sum = waits.reduce((a, b) => a + b);
      expectObservable(link$.pipe(lasting({ random: () => x })), `${sum - 1}ms !`).toBe(picture, told);
    });
  });

  test('grows too while links come up for a short time only', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = cold('w 9s #', undefined, broken);
      expectObservable(link$.pipe(lasting()), '19s !').toBe('w 9s 1 499ms w 9s 2', out);
    });
  });

  test('is a short one again after a link that was up for 10 s', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('#', undefined, broken), cold('w 9999ms #', undefined, broken));
      const picture = '1 499ms w 9999ms 1 499ms w 9999ms 1';
      expectObservable(link$.pipe(lasting()), '21001ms !').toBe(picture, out);
    });
  });

  test('is not after one that was up for 9.999 s', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('#', undefined, broken), cold('w 9998ms #', undefined, broken));
      const picture = '1 499ms w 9998ms 2 999ms w 9998ms 3';
      expectObservable(link$.pipe(lasting()), '21499ms !').toBe(picture, out);
    });
  });

  test('counts from when the link was up, not from when it was begun, nor from what came last', () => {
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

  test('takes what it is told for stable', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('#', undefined, broken), cold('w 9ms #', undefined, broken));
      expectObservable(link$.pipe(lasting({ stable: 10 })), '520ms !').toBe('1 499ms w 9ms 1', out);
      const short$ = linksOf(cold('#', undefined, broken), cold('w 8ms #', undefined, broken));
      expectObservable(short$.pipe(lasting({ stable: 10 })), '520ms !').toBe('1 499ms w 8ms 2', out);
    });
  });
});

describe('a peer that asks to wait', () => {
  test('is obeyed, and the attempts count all the same', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = linksOf(cold('b|'), cold('b|'), cold('#', undefined, broken));
      expectObservable(link$.pipe(lasting()), '4010ms !').toBe('bB 1999ms bC 1999ms 3', out);
    });
  });

  test.each([
    { x: 0, ms: 2000 },
    { x: 0.5, ms: 2500 },
    { x: 0.999, ms: 2999 },
  ])('by up to half as much again: $ms ms with chance at $x', ({ x, ms }) => {
    marbles(({ cold, expectObservable }) => {
      const link$ = cold('b|');
      const told = { ...out, o: `1 the relay is shutting down, ${ms}` };
      const unsub = `${ms + 2}ms !`;
      expectObservable(link$.pipe(lasting({ random: () => x })), unsub).toBe(`bo ${ms - 1}ms b`, told);
    });
  });

  test('is obeyed also where the link breaks before it closes', () => {
    marbles(({ cold, expectObservable }) => {
      const told = { ...out, o: '1 reset by peer, 2000' };
      expectObservable(cold('wb#', out, broken).pipe(lasting()), '1s !').toBe('wbo', told);
    });
  });

  test('is not once it has said something else, nor on the next link', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('ba|').pipe(lasting()), '100ms !').toBe('bac', out);
      const link$ = linksOf(cold('b|'), cold('|'));
      expectObservable(link$.pipe(lasting()), '2100ms !').toBe('bB 1999ms d', out);
    });
  });

  test.each([
    { x: 0, waits: [1000, 1000, 1000, 1000, 1000, 2000, 4000, 8000, 15_000] },
    { x: 0.5, waits: [1250, 1250, 1250, 1250, 1500, 3000, 6000, 12_000, 22_500] },
  ])(
    'may be restarting: for 5 s the waits stay as long as that, then they grow: $waits, with chance at $x',
    ({ x, waits }) => {
      marbles(({ cold, expectObservable }) => {
        const link$ = linksOf(cold('s|', { s: 's' }), cold('#', undefined, broken));
        const asks = { ...options, farewell: () => ({ reason: 'restart', retryMs: 1000 }), random: () => x };
        const waits$ = link$.pipe(
          reconnect(asks),
          filter((value) => typeof value !== 'string'),
          map(({ retryMs }) => retryMs),
        );
        const picture = waits.map((_, n) => (n === 0 ? '-0' : `${waits[n - 1]! - 1}ms ${n}`)).join(' ');
        expectObservable(waits$, `${waits.reduce((a, b) => a + b)}ms !`).toBe(picture, waits);
      });
    },
  );

  test('for no time at all leaves it to the backoff, so that it is not called upon without a break', () => {
    marbles(({ cold, expectObservable }) => {
      const told = {
        ...out,
        o: '1 the relay is shutting down, 500',
        p: '2 the relay is shutting down, 1000',
      };
      expectObservable(cold('z|').pipe(lasting()), '510ms !').toBe('zo 499ms zp', told);
    });
  });

  test('for ever is called upon again after an hour', () => {
    marbles(({ cold, expectObservable }) => {
      const told = { ...out, o: '1 the relay is shutting down, 3600000' };
      expectObservable(cold('y|').pipe(lasting()), '3600002ms !').toBe('yo 3599999ms y', told);
    });
  });
});

describe('a machine that was asleep', () => {
  test('does not wait any longer, and begins to count anew', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const link$ = cold('#', undefined, broken);
      const woke$ = hot('2s s');
      const picture = '1 499ms 2 999ms 3 499ms 1 499ms 2';
      expectObservable(link$.pipe(lasting({ woke$ })), '2600ms !').toBe(picture, out);
      expectSubscriptions(link$.subscriptions).toBe([
        '(^!)',
        '500ms (^!)',
        '1500ms (^!)',
        '2000ms (^!)',
        '2500ms (^!)',
      ]);
    });
  });

  test('does not wait for what the peer asked either', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const woke$ = hot('100ms s');
      const link$ = linksOf(cold('b|'), cold('w'));
      expectObservable(link$.pipe(lasting({ woke$ })), '3s !').toBe('bB 98ms w', out);
    });
  });

  test('asks over the link that is up; if nothing answers it drops that link and has another at once', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const link$ = cold('-w 20s -');
      const woke$ = hot('----s 8s s');
      let pings = 0;
      const ping = () => (pings += 1);
      const told = '-w-- 4100ms Sw 3898ms -';
      expectObservable(link$.pipe(lasting({ woke$, ping })), '8003ms !').toBe(told, out);
      expectSubscriptions(link$.subscriptions).toBe(['^ 4103ms !', '4104ms ^ 3898ms !']);
      expectSubscriptions(woke$.subscriptions).toBe('^ 8002ms !');
      expectObservable(
        of(0).pipe(
          delay(8100),
          map(() => pings),
        ),
      ).toBe('8100ms (p|)', { p: 1 });
    });
  });

  test('keeps the link if something answers, be it no value of the link', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const link$ = cold('                                         -w 4s a 9s -');
      const woke$ = hot('                                          ----s 9s -');
      expectObservable(link$.pipe(lasting({ woke$ })), '9s !').toBe('-w 4s a', out);
      expectSubscriptions(link$.subscriptions).toBe('              ^ 8999ms !');
      const alive$ = hot('                                         ------x 9s -');
      expectObservable(cold('-w').pipe(lasting({ woke$, alive$ })), '9s !').toBe('-w', out);
    });
  });

  test('keeps a link that this client does not read', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const woke$ = hot('----s');
      expectObservable(cold('-w').pipe(lasting({ woke$, isHeld: () => true })), '9s !').toBe('-w', out);
    });
  });

  test('leaves a link that is not up yet to its own time limits, and begins to count anew', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const failing$ = cold('#', undefined, broken);
      const slow$ = cold('a 8s w');
      const never$ = cold('9s #', undefined, broken);
      const woke$ = hot('100ms s 700ms s');
      expectObservable(slow$.pipe(lasting({ woke$ })), '10s !').toBe('a 8s w', out);
      expectSubscriptions(slow$.subscriptions).toBe('^ 9999ms !');
      const link$ = linksOf(failing$, failing$, never$, failing$);
      const late$ = hot('                                            1600ms s');
      const picture = '1 499ms 2 9999ms 1 499ms 2';
      expectObservable(link$.pipe(lasting({ woke$: late$ })), '11010ms !').toBe(picture, {
        ...out,
        1: '1 reset by peer, 500',
      });
    });
  });

  test('forgets what the peer of the link that it dropped had asked for', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const link$ = linksOf(cold('(wb)'), cold('-#', undefined, broken));
      const woke$ = hot('--s');
      expectObservable(link$.pipe(lasting({ woke$ })), '4200ms !').toBe('(wb) 4098ms S1', out);
    });
  });

  test('is noticed also where the link notices first', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const link$ = linksOf(cold('w--#', undefined, broken), cold('w'));
      const woke$ = hot('----s');
      expectObservable(link$.pipe(lasting({ woke$ })), '9ms !').toBe('w--1w', out);
      expectSubscriptions(woke$.subscriptions).toBe('^--------!');
    });
  });

  test('goes on where nothing more is heard of sleep', () => {
    marbles(({ cold, expectObservable }) => {
      const link$ = cold('w#', undefined, broken);
      expectObservable(link$.pipe(lasting({ woke$: EMPTY })), '503ms !').toBe('w1 499ms w2', out);
      const dropped$ = linksOf(cold('w'), cold('x'));
      const woke$ = cold('-(s|)');
      expectObservable(dropped$.pipe(lasting({ woke$ })), '4110ms !').toBe('w 4100ms (Sx)', out);
    });
  });

  test('an error of what tells of sleep is an error, linked or waiting', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const fault = new Error('no clock');
      const link$ = cold('w');
      const woke$ = cold('--#', undefined, fault);
      expectObservable(link$.pipe(lasting({ woke$ }))).toBe('w-#', out, fault);
      expectSubscriptions(link$.subscriptions).toBe('^-!');
      expectObservable(cold('#', undefined, broken).pipe(lasting({ woke$ })), '9s !').toBe('1-#', out, fault);
    });
  });
});

describe('a fatal error', () => {
  test('passes as it is, and ends everything', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions, flush }) => {
      const link$ = cold('                                    -w-#', undefined, fatal);
      const woke$ = hot('                                     -----');
      expectObservable(link$.pipe(lasting({ woke$ })), '400ms !').toBe('-w-#', out, fatal);
      expectSubscriptions(link$.subscriptions).toBe('         ^--!');
      expectSubscriptions(woke$.subscriptions).toBe('         ^--!');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(500);
    });
  });

  test.each([
    { name: 'no link was up', first: '#', picture: '1 499ms #' },
    { name: 'this link is up', first: '#', second: 'w#', picture: '1 499ms w2' },
    { name: 'an earlier link was up', first: 'w#', picture: 'w1 499ms 2' },
    { name: 'a link said something else', first: 'a#', picture: 'a1 499ms #' },
  ])('can depend on whether any link was ever up: $name', ({ first, second = '#', picture }) => {
    marbles(({ cold, expectObservable }) => {
      const isFatal = (error: unknown, wasUp: boolean) => error === fatal && !wasUp;
      const told = { ...out, 2: '2 no such room, 1000' };
      const link$ = linksOf(cold(first, undefined, broken), cold(second, undefined, fatal));
      expectObservable(link$.pipe(lasting({ isFatal })), '510ms !').toBe(picture, told, fatal);
    });
  });

  test('so is what is injected and throws, whatever is taken for fatal', () => {
    const fault = new Error('fault');
    const fail = () => {
      throw fault;
    };
    for (const more of [{ isUp: fail }, { farewell: fail }, { now: fail }])
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

  test.each(phases)('$name lets go of it, of the timer and of what tells of sleep', (phase) => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions, flush }) => {
      const link$ = cold('-w-#', undefined, broken);
      const woke$ = hot(' -');
      expectObservable(link$.pipe(lasting({ woke$ })), phase.unsub);
      expectSubscriptions(link$.subscriptions).toBe(phase.links);
      expectSubscriptions(woke$.subscriptions).toBe(phase.listens);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(phase.links.length === 1 ? 500 : 1000);
    });
  });

  test('within `offline` starts no wait', () => {
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const link$ = cold('-#', undefined, broken);
      expectObservable(link$.pipe(lasting(), take(1))).toBe('-(1|)', out);
      expectSubscriptions(link$.subscriptions).toBe('^!');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(500);
    });
  });

  test('one operator value serves two subscribers, each with its own attempts', () => {
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

/** How deep the stack is. */
const depth = (): number => {
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = Infinity;
    return new Error('here').stack?.split('\n').length ?? 0;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
};

describe('many links', () => {
  const ends = [
    { name: 'complete', link$: EMPTY },
    { name: 'error', link$: throwError(() => broken) },
    { name: 'say something and complete', link$: of('w') },
  ];

  test.each(ends)('10 000 that $name as they are subscribed need no more stack than one', ({ link$ }) => {
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
      let told = 0;
      const offline$ = measured$.pipe(
        reconnect({ ...options, random }),
        filter((value) => typeof value !== 'string'),
        take(10_000),
        map(({ retryMs }) => {
          told += 1;
          longest = Math.max(longest, retryMs);
          // The first one comes within the subscription, the others come of a timer.
          if ([10, 100, 9990].includes(told)) depths.add(depth());
        }),
        takeWhile(() => depths.size < 2),
        ignoreElements(),
      );
      expectObservable(offline$);
      flush();
      expect(told).toBe(10_000);
      expect(longest).toBeLessThanOrEqual(30_000);
      expect([alive, most]).toStrictEqual([0, 1]);
    });
  });

  test('nor do 10 000 awakenings, though each comes of the very link', () => {
    marbles(({ expectObservable, flush }) => {
      const woken = new Subject<void>();
      const depths = new Set<number>();
      let begun = 0;
      const link$ = defer(() => {
        begun += 1;
        if (begun === 1) return EMPTY;
        const wake$ = defer(() => {
          woken.next();
          return NEVER;
        });
        return concat(of('w'), wake$);
      });
      const offline$ = link$.pipe(
        lasting({ woke$: woken }),
        filter((said) => said !== 'w'),
        take(10_000),
        takeWhile(() => {
          if ([10, 100, 9990].includes(begun)) depths.add(depth());
          return depths.size < 2;
        }),
        ignoreElements(),
      );
      expectObservable(offline$);
      flush();
      expect(begun).toBe(10_000);
      expect(woken.observed).toBe(false);
    });
  });
});
