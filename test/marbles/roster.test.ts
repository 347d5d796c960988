import { describe, expect, test } from '@jest/globals';
import { of } from 'rxjs';
import type { Heard } from '../../streams/client/conversation.js';
import { roster, type Roster } from '../../streams/client/roster.js';
import { message, welcome } from '../support/heard.js';
import { marbles } from '../support/marbles.js';

const joined = (position: number, nicks: string[], count = nicks.length): Heard => ({
  type: 'joined',
  position,
  nicks,
  count,
});
const left = (position: number, nicks: string[], count = nicks.length): Heard => ({
  type: 'left',
  position,
  nicks,
  count,
});

const heard: Record<string, Heard> = {
  W: welcome({ next: 5, members: ['alice'], count: 1 }),
  V: welcome({ next: 9, members: ['alice', 'carol'], count: 2 }),
  O: left(4, ['alice']),
  P: joined(4, ['dave']),
  m: message({ position: 5 }),
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
    ['a later welcome says it anew', '-W-b-V', '-1-2-3'],
    ['nothing before the first welcome', '-m-|', '---|'],
    ['an error passes', '-W-#', '-1-#'],
  ])('%s', (_name, drawn, expected) => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot(drawn, heard).pipe(roster())).toBe(expected, here);
    });
  });

  test('of a crowd only the number is known', () => {
    const told: Roster[] = [];
    of(
      welcome({ next: 5, members: undefined, count: 5000 }),
      joined(5, [], 1200),
      joined(6, ['bob']),
      left(7, ['bob']),
      left(8, [], 2000),
      left(9, ['carol']),
    )
      .pipe(roster())
      .subscribe((each) => told.push(each));
    expect(told).toStrictEqual([
      { nicks: [], count: 5000 },
      { nicks: [], count: 6200 },
      { nicks: ['bob'], count: 6201 },
      { nicks: [], count: 6200 },
      { nicks: [], count: 4200 },
      { nicks: [], count: 4199 },
    ]);
  });

  test('each subscription has a list of its own', () => {
    marbles(({ cold, expectObservable }) => {
      const roster$ = cold('-W-b', heard).pipe(roster());
      expectObservable(roster$).toBe('-1-2', here);
      expectObservable(roster$, '--^').toBe('---1-2', here);
    });
  });
});

describe('a relay that names as many as it likes', () => {
  const rosterOf = (...all: Heard[]): Roster | undefined => {
    let last: Roster | undefined;
    of(...all)
      .pipe(roster())
      .subscribe((each) => (last = each));
    return last;
  };

  test('takes the memory of 5000 nicks and no more; the number goes on', () => {
    const lines = Array.from({ length: 80 }, (_, n) =>
      joined(
        n + 1,
        Array.from({ length: 100 }, (_each, at) => `nick-${n}-${at}`),
      ),
    );
    const last = rosterOf(welcome({ count: 1, members: ['alice'] }), ...lines);
    expect([last?.nicks.length, last?.count]).toStrictEqual([5000, 8001]);
  });

  test('what is no nick is none', () => {
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
    expect(rosterOf(welcome({ count: 1, members: ['alice'] }), joined(1, [...wrong, 'bob']))).toStrictEqual({
      nicks: ['alice', 'bob'],
      count: 2,
    });
  });
});
