import { describe, expect, test } from '@jest/globals';
import { count, EMPTY, map, merge, type Observable, Subject, takeWhile, tap, timer } from 'rxjs';
import type { GroupState } from '../../../../streams/client/group/groupState.js';
import { persistState } from '../../../../streams/client/group/persistState.js';
import { RESERVED_GENERATIONS, sealMessage } from '../../../../streams/client/group/sealMessage.js';
import type { FakeInfo, FakeState } from '../../../support/group/fakeEngine.js';
import { memberState, roomOfThree, type TestDevice } from '../../../support/group/room.js';
import { messageOf } from '../../../support/group/session.js';
import { marbles } from '../../../support/marbles.js';

type State = GroupState<FakeState, FakeInfo>;

/** Seals so many messages. */
const seal = (device: TestDevice, count = 1): void => {
  for (let n = 1; n <= count; n += 1)
    device.state = sealMessage(device.context, memberState(device), messageOf('x', n)).state;
};

/** Stores the states of a device, which changes with each value, and notes them. */
const persisted = (
  { room, alice, bob }: ReturnType<typeof roomOfThree>,
  save$: () => Observable<unknown>,
  stored: State[] = [],
) => {
  const actions: Readonly<Record<string, () => void>> = {
    // Seals a message, reserves more keys, reads a message, stages a commit, reads the commit.
    s: () => seal(alice),
    r: () => seal(alice, RESERVED_GENERATIONS),
    m: () => {
      room.send(bob, 'hello');
      room.readAll(alice);
    },
    c: () => void room.commit(alice, { remove: [2] }),
    e: () => room.readAll(alice),
    v: () => {
      room.commit(alice, { inviteSecret: new Uint8Array(32).fill(7) });
      room.readAll(alice);
    },
  };
  const first = alice.state;
  return (action$: Observable<string>) =>
    action$.pipe(
      map((action) => {
        actions[action]?.();
        return alice.state;
      }),
      persistState({
        stored: first,
        save: (state) => {
          stored.push(state);
          return save$();
        },
        delayMs: 5,
      }),
    );
};

const isStored = { t: true, f: false };

describe('persistState', () => {
  test('stores at once when keys are reserved, and once for all tokens with these keys', () => {
    const stored: State[] = [];
    const three = roomOfThree();
    marbles(({ cold, expectObservable }) => {
      const action$ = cold('-s--ss-');
      expectObservable(action$.pipe(persisted(three, () => cold('--|'), stored)), '------!').toBe(
        '-f-t--',
        isStored,
      );
    });
    expect(stored).toHaveLength(1);
    expect(stored[0]).toMatchObject({ sending: { reserved: RESERVED_GENERATIONS } });
  });

  test('stores the last of the states that arrive during a store', () => {
    const stored: State[] = [];
    const three = roomOfThree();
    marbles(({ cold, expectObservable }) => {
      const action$ = cold('-srr----');
      expectObservable(action$.pipe(persisted(three, () => cold('---|'), stored)), '--------!').toBe(
        '-f-----t',
        isStored,
      );
    });
    expect(stored).toMatchObject([
      { sending: { reserved: RESERVED_GENERATIONS } },
      { sending: { reserved: 3 * RESERVED_GENERATIONS } },
    ]);
  });

  test.each([
    ['at once', () => EMPTY],
    ['later', () => timer(1)],
  ])('stores a state that follows when tokens may be sent, after a store that ends %s', (_, save$) => {
    const stored: State[] = [];
    const three = roomOfThree();
    marbles(({ cold, expectObservable }) => {
      const reactions = new Subject<string>();
      const isStored$ = merge(cold('s'), reactions).pipe(
        persisted(three, save$, stored),
        tap((each) => {
          if (each && stored.length === 1) reactions.next('r');
        }),
      );
      expectObservable(
        isStored$.pipe(
          takeWhile(() => stored.length < 2, true),
          count(),
        ),
        '----!',
      ).toBe(save$() === EMPTY ? '(c|)' : '--(c|)', { c: 4 });
    });
    expect(stored).toMatchObject([
      { sending: { reserved: RESERVED_GENERATIONS } },
      { sending: { reserved: 2 * RESERVED_GENERATIONS } },
    ]);
  });

  test('stores a staged handshake, and the epoch that follows', () => {
    const stored: State[] = [];
    const three = roomOfThree();
    marbles(({ cold, expectObservable }) => {
      const action$ = cold('-c---e---');
      expectObservable(action$.pipe(persisted(three, () => cold('-|'), stored)), '---------!').toBe(
        '-ft--ft--',
        isStored,
      );
    });
    expect(stored).toMatchObject([
      { pending: { frame: { type: 'commit' } } },
      { pending: undefined, epoch: { view: { epoch: 3 } } },
    ]);
  });

  test('stores what was read after a while, and lets tokens pass meanwhile', () => {
    const stored: State[] = [];
    const three = roomOfThree();
    marbles(({ cold, expectObservable }) => {
      const action$ = cold('-m-m-m----------');
      expectObservable(action$.pipe(persisted(three, () => cold('-|'), stored)), '----------------!').toBe(
        '-t--------------',
        isStored,
      );
    });
    expect(stored).toHaveLength(1);
  });

  test('does not store a state whose room moved, as the state after the move follows', () => {
    const stored: State[] = [];
    const three = roomOfThree();
    marbles(({ cold, expectObservable }) => {
      const action$ = cold('-v------------');
      expectObservable(action$.pipe(persisted(three, () => cold('-|'), stored)), '-------------!').toBe(
        '-f------------',
        isStored,
      );
    });
    expect(stored).toStrictEqual([]);
  });

  test('errors with the store, so that no token of that state is sent', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const action$ = cold('-s-s-s-');
      expectObservable(action$.pipe(persisted(roomOfThree(), () => cold('---#', {}, 'full')))).toBe(
        '-f--#',
        isStored,
        'full',
      );
      expectSubscriptions(action$.subscriptions).toBe('^---!');
    });
  });

  test('completes and errors with its source, and releases the store when it is unsubscribed', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      expectObservable(cold('-s--|').pipe(persisted(roomOfThree(), () => cold('-|')))).toBe(
        '-ft---|',
        isStored,
      );
      expectObservable(
        cold('-s#', { s: 's' }, 'gone').pipe(persisted(roomOfThree(), () => cold('---|'))),
      ).toBe('-f#', isStored, 'gone');
      const slow$ = cold('-----|');
      expectObservable(cold('-s---').pipe(persisted(roomOfThree(), () => slow$)), '---!').toBe(
        '-f-',
        isStored,
      );
      expectSubscriptions(slow$.subscriptions).toBe('-^-!');
    });
  });
});
