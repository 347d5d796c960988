import { describe, expect, test } from '@jest/globals';
import { concatMap, filter, map, merge, type Observable, of, switchMap, tap, timer } from 'rxjs';
import {
  createOpenSession,
  type OpenSessionOptions,
  createJoinRoom,
  type Session,
} from '../../../src/index.js';
import {
  FAKE_INVITE,
  fakeIdentity,
  fakePlatform,
  type FakeRelay,
  fakeRelay,
} from '../../../src/testing/index.js';
import type { ClientEvent } from '../../../streams/client/clientEvent.js';
import { marbles } from '../../support/marbles.js';

const ALICE = fakeIdentity(200);
const MALLORY = fakeIdentity(201);

const enter = (relay: FakeRelay, nick: string, more: Partial<OpenSessionOptions> = {}): Observable<Session> =>
  createOpenSession(fakePlatform(relay))(FAKE_INVITE, { nick, ...more });

const rosterOf = (here$: Observable<Session>) =>
  here$.pipe(
    switchMap(({ roster$ }) => roster$),
    map(({ nicks, count }) => `${nicks.join(' ')} ${count}`),
  );

const at = <T>(ms: number, next$: Observable<T>) => timer(ms).pipe(switchMap(() => next$));

describe('one person at two places', () => {
  test('is one in the list, comes once and goes once', () => {
    marbles(
      ({ expectObservable }) => {
        const relay = fakeRelay();
        const reported = { b: 'bob 1', a: 'bob alice 2' };
        const alice$ = enter(relay, 'alice', { identity: ALICE });
        expectObservable(rosterOf(enter(relay, 'bob'))).toBe('---b 1999ms a 4998ms b', reported);
        expectObservable(at(2000, rosterOf(alice$)), '5s !').toBe('2003ms a', reported);
        expectObservable(at(3000, rosterOf(alice$)), '7s !').toBe('3003ms a', reported);
      },
      { untilMs: 20_000 },
    );
  });

  test('hears what it says at the other place, and neither it nor others hear an alarm', () => {
    const events: ClientEvent[] = [];
    marbles(
      () => {
        const relay = fakeRelay();
        const room = createJoinRoom(fakePlatform(relay));
        const place = (ms: number, text: string) =>
          at(ms, timer(30).pipe(concatMap(() => of(`${text} 1`, `${text} 2`)))).pipe(
            room(FAKE_INVITE, { nick: 'alice', identity: ALICE, known: new Map([['alice', ALICE.key]]) }),
          );
        const bob$ = timer(100).pipe(
          map(() => 'from bob'),
          room(FAKE_INVITE, { nick: 'bob', known: new Map([['alice', ALICE.key]]) }),
        );
        merge(place(5, 'here'), at(10, place(0, 'there')), bob$)
          .pipe(tap((each) => events.push(each)))
          .subscribe();
      },
      { untilMs: 300 },
    );
    const texts = events.flatMap((each) => (each.type === 'message' ? [each.text] : []));
    for (const text of ['here 1', 'here 2', 'there 1', 'there 2', 'from bob'])
      expect(texts.filter((each) => each === text)).toHaveLength(3);
    expect(events.filter(({ type }) => type === 'stored')).toHaveLength(5);
    expect(events.filter(({ type }) => type === 'alarm' || type === 'key-changed')).toStrictEqual([]);
  });

  test('takes another nick at one of them, and keeps the first at the other', () => {
    const reported: string[] = [];
    marbles(
      () => {
        const relay = fakeRelay();
        const room = createJoinRoom(fakePlatform(relay));
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
              reported.push(`${each.type} ${each.nicks.join()}`);
            if (each.type === 'message') reported.push(`${each.nick}: ${each.text}`);
          }),
        );
        merge(watching$, at(5, moving$), at(10, staying$)).subscribe({
          error: (error) => reported.push(String(error)),
        });
      },
      { untilMs: 5000 },
    );
    expect(reported).toStrictEqual([
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
        const client$ = at(
          9,
          of('hello').pipe(createJoinRoom(fakePlatform(relay))(FAKE_INVITE, { nick: 'ALICE', identity })),
        );
        const refusal$ = client$.pipe(filter(({ type }) => type === 'welcome'));
        const advice =
          identity === undefined
            ? '; if another subscription of yours uses it, share that one, or pass the same identity to both'
            : '';
        expectObservable(refusal$).toBe(
          '------------#',
          {},
          expect.objectContaining({ code: 'nick-taken', message: `the nick is taken in this room${advice}` }),
        );
      },
      { untilMs: 100 },
    );
  });

  test('is back at once after a connection that was lost without a word, and the others get no announcement', () => {
    marbles(
      ({ expectObservable }) => {
        const relay = fakeRelay();
        const alice$ = enter(relay, 'alice', { identity: ALICE });
        timer(2500).subscribe(() => relay.inject({ type: 'half-open' }));
        expectObservable(at(1000, alice$).pipe(map(() => 'in')), '2600ms !').toBe('1s i', { i: 'in' });
        expectObservable(at(3000, rosterOf(alice$))).toBe('3003ms a 999ms b', {
          a: 'alice 1',
          b: 'alice bob 2',
        });
        expectObservable(at(4000, rosterOf(enter(relay, 'bob')))).toBe('4003ms b', { b: 'alice bob 2' });
      },
      { untilMs: 100_000 },
    );
  });
});
