import { describe, expect, test } from '@jest/globals';
import { of } from 'rxjs';
import type { ClientEvent } from '../../../streams/client/clientEvent.js';
import { roster, type Roster } from '../../../streams/client/sessionState.js';
import { messageEvent, welcomeEvent } from '../../support/clientEvents.js';
import { marbles } from '../../support/marbles.js';

const joined = (position: number, nicks: string[], count = nicks.length): ClientEvent => ({
  type: 'joined',
  position,
  nicks,
  count,
});
const left = (position: number, nicks: string[], count = nicks.length): ClientEvent => ({
  type: 'left',
  position,
  nicks,
  count,
});

const events: Record<string, ClientEvent> = {
  W: welcomeEvent({ next: 5, members: ['alice'], count: 1 }),
  V: welcomeEvent({ next: 9, members: ['alice', 'carol'], count: 2 }),
  O: left(4, ['alice']),
  P: joined(4, ['dave']),
  m: messageEvent({ position: 5 }),
  a: joined(6, ['alice']),
  b: joined(6, ['bob']),
  c: left(7, ['alice', 'bob']),
  x: left(8, ['eve']),
};
const here: Record<string, Roster> = {
  1: { nicks: ['alice'], count: 1 },
  2: { nicks: ['alice', 'bob'], count: 2 },
  0: { nicks: [], count: 0 },
  3: { nicks: ['alice', 'carol'], count: 2 },
};

describe('roster', () => {
  test.each([
    ['who comes and goes', '-W-m-b-c-|', '-1---2-0-|'],
    ['who is there already, or not there, changes nothing', '-W-a-x', '-1'],
    ['what was announced before this client came in changes nothing', '-W-O-P', '-1'],
    ['a later welcome replaces the list', '-W-b-V', '-1-2-3'],
    ['nothing before the first welcome', '-m-|', '---|'],
    ['an error passes', '-W-#', '-1-#'],
  ])('%s', (_name, rendered, expected) => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot(rendered, events).pipe(roster())).toBe(expected, here);
    });
  });

  test('roster has only the count of a large room', () => {
    const reported: Roster[] = [];
    of(
      welcomeEvent({ next: 5, members: undefined, count: 5000 }),
      joined(5, [], 1200),
      joined(6, ['bob']),
      left(7, ['bob']),
      left(8, [], 2000),
      left(9, ['carol']),
    )
      .pipe(roster())
      .subscribe((each) => reported.push(each));
    expect(reported).toStrictEqual([
      { nicks: [], count: 5000 },
      { nicks: [], count: 6200 },
      { nicks: ['bob'], count: 6201 },
      { nicks: [], count: 6200 },
      { nicks: [], count: 4200 },
      { nicks: [], count: 4199 },
    ]);
  });

  test('roster has a list for each subscription', () => {
    marbles(({ cold, expectObservable }) => {
      const roster$ = cold('-W-b', events).pipe(roster());
      expectObservable(roster$).toBe('-1-2', here);
      expectObservable(roster$, '--^').toBe('---1-2', here);
    });
  });
});

describe('a relay that announces any nicks', () => {
  const rosterOf = (...all: ClientEvent[]): Roster | undefined => {
    let last: Roster | undefined;
    of(...all)
      .pipe(roster())
      .subscribe((each) => (last = each));
    return last;
  };

  test('roster keeps 5000 nicks at most, and counts on', () => {
    const lines = Array.from({ length: 80 }, (_, n) =>
      joined(
        n + 1,
        Array.from({ length: 100 }, (_each, at) => `nick-${n}-${at}`),
      ),
    );
    const last = rosterOf(welcomeEvent({ count: 1, members: ['alice'] }), ...lines);
    expect([last?.nicks.length, last?.count]).toStrictEqual([5000, 8001]);
  });

  test('roster ignores invalid nicks', () => {
    const wrong = [
      '',
      'a b',
      '\u001b[2J',
      '*9',
      'x'.repeat(33),
      'x'.repeat(60_000),
      '\u202e',
      'é'.repeat(33),
    ];
    expect(
      rosterOf(welcomeEvent({ count: 1, members: ['alice'] }), joined(1, [...wrong, 'bob'])),
    ).toStrictEqual({
      nicks: ['alice', 'bob'],
      count: 2,
    });
  });
});
