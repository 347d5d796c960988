import { expect, test } from '@jest/globals';
import { cursors, type Cursor } from '../../src/cli/listening/cursor.js';
import type { Heard } from '../../streams/client/conversation.js';
import { message, welcome } from '../support/heard.js';
import { BOB } from '../support/people.js';

const places = (start: Cursor | undefined, batch: readonly Heard[]): unknown[] => {
  const advance = cursors(start);
  return batch.map((heard, at) => {
    const cursor = advance(heard, batch[at + 1]);
    return cursor && `${cursor.log} ${cursor.position}+${cursor.lines}`;
  });
};
const START: Cursor = { log: 'log', position: 4, lines: 0 };

test('within an entry it counts lines, behind it none', () => {
  const batch = [0, 1].map((index) => message({ position: 5, index }));
  expect(places(START, [...batch, message({ position: 6 })])).toStrictEqual([
    'log 4+1',
    'log 5+0',
    'log 6+0',
  ]);
});

test('what is told before an entry does not pass it', () => {
  const met: Heard = { type: 'first-sight', position: 5, nick: 'bob', key: BOB.key };
  expect(places(START, [met, message({ position: 5 })])).toStrictEqual(['log 4+0', 'log 5+0']);
});

test('coming in is a place where there was none, coming back is not', () => {
  const come = welcome({ log: 'log', from: 10 });
  expect(places(undefined, [message({}), come])).toStrictEqual([undefined, 'log 9+0']);
  const gap: Heard = { type: 'gap', from: 5, to: 9 };
  expect(places(START, [come, gap])).toStrictEqual(['log 4+0', 'log 9+0']);
});

test('another log begins where it was come in', () => {
  const changed: Heard = { type: 'log-changed', log: 'other' };
  expect(places(START, [welcome({ log: 'other', from: 1 }), changed])).toStrictEqual([
    'log 4+0',
    'other 0+0',
  ]);
});

test('names the newest token besides an announcement, which another log may have at the same position', () => {
  const advance = cursors(START);
  const joined: Heard = { type: 'joined', position: 6, nicks: ['bob'], count: 1, hash: 'six' };
  const told = [
    { ...joined, position: 5, hash: 'five' },
    joined,
    message({ position: 7, hash: 'seven' }),
    { ...joined, position: 8, hash: 'eight' },
    { ...joined, position: 9, hash: 'nine' },
    message({ position: 10, hash: 'ten' }),
  ].map((heard) => advance(heard, undefined));
  expect(told.map((cursor) => cursor?.earlier)).toStrictEqual([
    undefined,
    { n: 5, hash: 'five' },
    undefined,
    { n: 7, hash: 'seven' },
    { n: 7, hash: 'seven' },
    undefined,
  ]);
});
