import { describe, expect, test } from '@jest/globals';
import { concatMap, ignoreElements, map, merge, type Observable, range, switchMap, timer } from 'rxjs';
import { connectOn, type ConnectOptions, type Session } from '../../../src/index.js';
import { FAKE_INVITE, fakePlatform, type FakeRelay, fakeRelay } from '../../../src/testing/index.js';
import { marbles } from '../../support/marbles.js';

const enter = (relay: FakeRelay, nick: string, more: Partial<ConnectOptions> = {}): Observable<Session> =>
  connectOn(fakePlatform(relay))(FAKE_INVITE, { nick, ...more });

const STATES = { c: 'connecting', u: 'catching-up', n: 'online', f: 'offline', X: 'closed' };
const statesOf = (here$: Observable<Session>) =>
  here$.pipe(
    switchMap(({ state$ }) => state$),
    map(({ type }) => type),
  );

describe('a fake relay', () => {
  test('lets in: greeting, answer and welcome take 1 ms each', () => {
    marbles(
      ({ expectObservable }) => {
        expectObservable(statesOf(enter(fakeRelay(), 'alice'))).toBe('c--n', STATES);
        expectObservable(statesOf(enter(fakeRelay({ latency: 20 }), 'alice'))).toBe('c 59ms n', STATES);
      },
      { until: 100 },
    );
  });

  test('hands on what is said, and each has a receipt', () => {
    marbles(
      ({ expectObservable }) => {
        const relay = fakeRelay();
        const heard$ = enter(relay, 'bob').pipe(
          switchMap(({ message$ }) => message$),
          map((each) => (each.type === 'message' ? each.text : each.type)),
        );
        const said$ = enter(relay, 'alice').pipe(
          switchMap(({ say }) => timer(10).pipe(switchMap(() => say('hello')))),
          map(({ time }) => time),
        );
        expectObservable(heard$).toBe('------------h', { h: 'hello' });
        expectObservable(said$).toBe('------------r', { r: 12 });
      },
      { until: 100 },
    );
  });

  test.each([
    ['cut', '10ms cut', 'c--n------f 499ms c--n'],
    ['down and up', '10ms down 2s up', 'c--n------f 499ms (cf)'],
    ['frozen for a while: nobody notices', '10ms freeze 5s thaw', 'c--n'],
  ])('is %s', (_name, faults, drawn) => {
    marbles(
      ({ expectObservable }) => {
        expectObservable(statesOf(enter(fakeRelay({ faults }), 'alice'))).toBe(drawn, STATES);
      },
      { until: 1000 },
    );
  });

  test('half-open, is found dead after the heartbeat', () => {
    marbles(
      ({ expectObservable }) => {
        const here$ = enter(fakeRelay({ faults: '10ms half-open' }), 'alice', { heartbeat: 1000 });
        expectObservable(statesOf(here$)).toBe('c--n 1996ms f 499ms c--n', STATES);
      },
      { until: 2600 },
    );
  });

  test('slows down', () => {
    marbles(
      ({ expectObservable }) => {
        const here$ = enter(fakeRelay({ faults: '10ms delay=100ms' }), 'alice');
        const receipt$ = here$.pipe(
          switchMap(({ say }) => timer(20).pipe(switchMap(() => say('hello')))),
          map(() => 'r'),
        );
        expectObservable(receipt$).toBe('220ms r');
      },
      { until: 1000 },
    );
  });

  test('loses nothing of what is said, whatever the link does', () => {
    const texts: string[] = [];
    marbles(
      () => {
        const faults = '1s cut 3s half-open 8s freeze 2s thaw 1s down 4s up 2s cut 5ms cut';
        const relay = fakeRelay({ faults, grace: 60_000 });
        const say$ = enter(relay, 'alice', { heartbeat: 1000 }).pipe(
          switchMap(({ say }) =>
            range(1, 250).pipe(
              concatMap((n) => timer(100).pipe(map(() => n))),
              map((n) => say(String(n))),
              concatMap((receipt$) => receipt$),
            ),
          ),
          ignoreElements(),
        );
        const heard$ = enter(relay, 'bob', { heartbeat: 1000 }).pipe(switchMap(({ message$ }) => message$));
        merge(say$, heard$).subscribe((each) => texts.push(each.type === 'message' ? each.text : each.type));
      },
      { until: 180_000 },
    );
    expect(texts).toStrictEqual(Array.from({ length: 250 }, (_, n) => String(n + 1)));
  });

  test('tells what happens in it, and stops when it is told to', () => {
    const told: string[] = [];
    marbles(({ expectObservable }) => {
      const relay = fakeRelay({ roomIdle: 1000 });
      relay.event$.subscribe(({ type }) => told.push(type));
      expectObservable(statesOf(enter(relay, 'alice')), '50ms !').toBe('c--n', STATES);
      timer(100).subscribe(() => {
        relay.stop();
      });
    });
    expect(told.slice(0, 2)).toStrictEqual(['joined', 'announced']);
  });
});
