import { describe, expect, test } from '@jest/globals';
import { concatMap, ignoreElements, map, merge, type Observable, range, switchMap, timer } from 'rxjs';
import { createOpenSession, type OpenSessionOptions, type Session } from '../../../src/index.js';
import { FAKE_INVITE, fakePlatform, type FakeRelay, fakeRelay } from '../../../src/testing/index.js';
import { marbles } from '../../support/marbles.js';

const enter = (relay: FakeRelay, nick: string, more: Partial<OpenSessionOptions> = {}): Observable<Session> =>
  createOpenSession(fakePlatform(relay))(FAKE_INVITE, { nick, ...more });

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
        expectObservable(statesOf(enter(fakeRelay({ latencyMs: 20 }), 'alice'))).toBe('c 59ms n', STATES);
      },
      { untilMs: 100 },
    );
  });

  test('hands on what is said, and each has a receipt', () => {
    marbles(
      ({ expectObservable }) => {
        const relay = fakeRelay();
        const event$ = enter(relay, 'bob').pipe(
          switchMap(({ message$ }) => message$),
          map((each) => (each.type === 'message' ? each.text : each.type)),
        );
        const sent$ = enter(relay, 'alice').pipe(
          switchMap(({ send }) => timer(10).pipe(switchMap(() => send('hello')))),
          map(({ time }) => time),
        );
        expectObservable(event$).toBe('------------h', { h: 'hello' });
        expectObservable(sent$).toBe('------------r', { r: 12 });
      },
      { untilMs: 100 },
    );
  });

  test.each([
    ['cut', '10ms cut', 'c--n------f 499ms c--n'],
    ['down and up', '10ms down 2s up', 'c--n------f 499ms (cf)'],
    ['frozen for a while: nobody notices', '10ms freeze 5s thaw', 'c--n'],
  ])('is %s', (_name, faults, rendered) => {
    marbles(
      ({ expectObservable }) => {
        expectObservable(statesOf(enter(fakeRelay({ faults }), 'alice'))).toBe(rendered, STATES);
      },
      { untilMs: 1000 },
    );
  });

  test('half-open, is found dead after the heartbeat', () => {
    marbles(
      ({ expectObservable }) => {
        const here$ = enter(fakeRelay({ faults: '10ms half-open' }), 'alice', { heartbeatMs: 1000 });
        expectObservable(statesOf(here$)).toBe('c--n 1996ms f 499ms c--n', STATES);
      },
      { untilMs: 2600 },
    );
  });

  test('slows down', () => {
    marbles(
      ({ expectObservable }) => {
        const here$ = enter(fakeRelay({ faults: '10ms delay=100ms' }), 'alice');
        const receipt$ = here$.pipe(
          switchMap(({ send }) => timer(20).pipe(switchMap(() => send('hello')))),
          map(() => 'r'),
        );
        expectObservable(receipt$).toBe('220ms r');
      },
      { untilMs: 1000 },
    );
  });

  test('loses nothing of what is said, whatever the link does', () => {
    const texts: string[] = [];
    marbles(
      () => {
        const faults = '1s cut 3s half-open 8s freeze 2s thaw 1s down 4s up 2s cut 5ms cut';
        const relay = fakeRelay({ faults, timing: { reconnectGraceMs: 60_000 } });
        const outgoing$ = enter(relay, 'alice', { heartbeatMs: 1000 }).pipe(
          switchMap(({ send }) =>
            range(1, 250).pipe(
              concatMap((n) => timer(100).pipe(map(() => n))),
              map((n) => send(String(n))),
              concatMap((receipt$) => receipt$),
            ),
          ),
          ignoreElements(),
        );
        const event$ = enter(relay, 'bob', { heartbeatMs: 1000 }).pipe(switchMap(({ message$ }) => message$));
        merge(outgoing$, event$).subscribe((each) =>
          texts.push(each.type === 'message' ? each.text : each.type),
        );
      },
      { untilMs: 180_000 },
    );
    expect(texts).toStrictEqual(Array.from({ length: 250 }, (_, n) => String(n + 1)));
  });

  test('emits what happens in it, and ends after stop()', () => {
    const reported: string[] = [];
    marbles(({ expectObservable }) => {
      const relay = fakeRelay({ timing: { roomIdleMs: 1000 } });
      relay.event$.subscribe(({ type }) => reported.push(type));
      expectObservable(statesOf(enter(relay, 'alice')), '50ms !').toBe('c--n', STATES);
      timer(100).subscribe(() => {
        relay.stop();
      });
    });
    expect(reported.slice(0, 2)).toStrictEqual(['joined', 'announced']);
  });
});
