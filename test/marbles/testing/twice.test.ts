import { describe, expect, test } from '@jest/globals';
import { concatMap, filter, map, merge, type Observable, of, switchMap, tap, timer } from 'rxjs';
import { connectOn, type ConnectOptions, roomOn, type Session } from '../../../src/index.js';
import {
  FAKE_INVITE,
  fakeIdentity,
  fakePlatform,
  type FakeRelay,
  fakeRelay,
} from '../../../src/testing/index.js';
import type { Heard } from '../../../streams/client/conversation.js';
import { marbles } from '../../support/marbles.js';

const ALICE = fakeIdentity(200);
const MALLORY = fakeIdentity(201);

const enter = (relay: FakeRelay, nick: string, more: Partial<ConnectOptions> = {}): Observable<Session> =>
  connectOn(fakePlatform(relay))(FAKE_INVITE, { nick, ...more });

const rosterOf = (here$: Observable<Session>) =>
  here$.pipe(
    switchMap(({ member$ }) => member$),
    map(({ nicks, count }) => `${nicks.join(' ')} ${count}`),
  );

const at = <T>(ms: number, later$: Observable<T>) => timer(ms).pipe(switchMap(() => later$));

describe('one person at two places', () => {
  test('is one in the list, comes once and goes once', () => {
    marbles(
      ({ expectObservable }) => {
        const relay = fakeRelay();
        const told = { b: 'bob 1', a: 'bob alice 2' };
        const alice$ = enter(relay, 'alice', { identity: ALICE });
        expectObservable(rosterOf(enter(relay, 'bob'))).toBe('---b 1999ms a 4998ms b', told);
        expectObservable(at(2000, rosterOf(alice$)), '5s !').toBe('2003ms a', told);
        expectObservable(at(3000, rosterOf(alice$)), '7s !').toBe('3003ms a', told);
      },
      { until: 20_000 },
    );
  });

  test('hears what it says at the other place, and neither it nor others hear an alarm', () => {
    const heard: Heard[] = [];
    marbles(
      () => {
        const relay = fakeRelay();
        const room = roomOn(fakePlatform(relay));
        const place = (ms: number, text: string) =>
          at(ms, timer(30).pipe(concatMap(() => of(`${text} 1`, `${text} 2`)))).pipe(
            room(FAKE_INVITE, { nick: 'alice', identity: ALICE, known: new Map([['alice', ALICE.key]]) }),
          );
        const bob$ = timer(100).pipe(
          map(() => 'from bob'),
          room(FAKE_INVITE, { nick: 'bob', known: new Map([['alice', ALICE.key]]) }),
        );
        merge(place(5, 'here'), at(10, place(0, 'there')), bob$)
          .pipe(tap((each) => heard.push(each)))
          .subscribe();
      },
      { until: 300 },
    );
    const texts = heard.flatMap((each) => (each.type === 'message' ? [each.text] : []));
    for (const text of ['here 1', 'here 2', 'there 1', 'there 2', 'from bob'])
      expect(texts.filter((each) => each === text)).toHaveLength(3);
    expect(heard.filter(({ type }) => type === 'stored')).toHaveLength(5);
    expect(heard.filter(({ type }) => type === 'alarm' || type === 'key-changed')).toStrictEqual([]);
  });

  test('takes another nick at one of them, and keeps the first at the other', () => {
    const told: string[] = [];
    marbles(
      () => {
        const relay = fakeRelay();
        const room = roomOn(fakePlatform(relay));
        const nick$ = timer(40).pipe(map(() => 'eve'));
        const moving$ = timer(60).pipe(
          map(() => 'as eve'),
          room(FAKE_INVITE, { nick: 'alice', identity: ALICE, nick$ }),
        );
        const staying$ = timer(80).pipe(
          map(() => 'as alice'),
          room(FAKE_INVITE, { nick: 'alice', identity: ALICE }),
        );
        const bob$ = timer(0).pipe(
          map(() => 'from bob'),
          room(FAKE_INVITE, { nick: 'bob' }),
        );
        const watching$ = bob$.pipe(
          tap((each) => {
            if (each.type === 'joined' || each.type === 'left')
              told.push(`${each.type} ${each.nicks.join()}`);
            if (each.type === 'message') told.push(`${each.nick}: ${each.text}`);
          }),
        );
        merge(watching$, at(5, moving$), at(10, staying$)).subscribe({
          error: (error) => told.push(String(error)),
        });
      },
      { until: 5000 },
    );
    expect(told).toStrictEqual([
      'joined bob',
      'bob: from bob',
      'joined alice,eve',
      'eve: as eve',
      'alice: as alice',
    ]);
  });

  test.each([
    ['another identity', MALLORY],
    ['no identity', undefined],
  ])('does not share its nick with %s', (_, identity) => {
    marbles(
      ({ expectObservable }) => {
        const relay = fakeRelay();
        const alice$ = enter(relay, 'alice', { identity: ALICE }).pipe(map(() => 'in'));
        expectObservable(alice$).toBe('i', { i: 'in' });
        const talk$ = at(
          9,
          of('hello').pipe(roomOn(fakePlatform(relay))(FAKE_INVITE, { nick: 'ALICE', identity })),
        );
        const refusal$ = talk$.pipe(filter(({ type }) => type === 'welcome'));
        const advice =
          identity === undefined
            ? '; if another subscription of yours has it, share one of them, or give all the same identity'
            : '';
        expectObservable(refusal$).toBe(
          '------------#',
          {},
          expect.objectContaining({ code: 'nick-taken', message: `the nick is taken in this room${advice}` }),
        );
      },
      { until: 100 },
    );
  });

  test('is back at once after a connection that was lost without a word, and nobody is told', () => {
    marbles(
      ({ expectObservable }) => {
        const relay = fakeRelay();
        const alice$ = enter(relay, 'alice', { identity: ALICE });
        timer(2500).subscribe(() => relay.do({ type: 'half-open' }));
        expectObservable(at(1000, alice$).pipe(map(() => 'in')), '2600ms !').toBe('1s i', { i: 'in' });
        expectObservable(at(3000, rosterOf(alice$))).toBe('3003ms a 999ms b', {
          a: 'alice 1',
          b: 'alice bob 2',
        });
        expectObservable(at(4000, rosterOf(enter(relay, 'bob')))).toBe('4003ms b', { b: 'alice bob 2' });
      },
      { until: 100_000 },
    );
  });
});
