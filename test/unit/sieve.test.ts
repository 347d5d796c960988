import { expect, test } from '@jest/globals';
import { sieve } from '../../src/cli/listening/sieve.js';
import type { Heard } from '../../streams/client/conversation.js';
import { message, welcome } from '../support/heard.js';

const wanted = (sift: ReturnType<typeof sieve>, all: readonly Heard[]): unknown[] =>
  all.flatMap(sift).flatMap(({ heard, isWanted }) => {
    if (!isWanted) return [];
    return [heard.type === 'message' ? heard.text : heard.type];
  });

const old = (position: number, text: string): Heard => message({ position, text, time: 10 });
const fresh = (position: number, text: string): Heard => message({ position, text, time: 100 });
const since = () => sieve({ since: 50, taken: undefined, without: undefined });
const history = welcome({ from: 1, next: 9 });

test('from the first new message on all is wanted, whatever clock it has', () => {
  expect(wanted(since(), [history, old(1, 'a'), fresh(2, 'b'), old(3, 'c')])).toStrictEqual([
    'welcome',
    'b',
    'c',
  ]);
});

test('what is said after one came in is wanted, whatever clock it has', () => {
  expect(wanted(since(), [history, old(8, 'a'), old(9, 'b'), old(10, 'c')])).toStrictEqual([
    'welcome',
    'b',
    'c',
  ]);
  const empty = welcome({ from: 9, next: 9 });
  expect(wanted(since(), [empty, old(9, 'a')])).toStrictEqual(['welcome', 'a']);
});

test('who came and went is wanted from the first new message on, or once one came in oneself', () => {
  const came = (position: number): Heard => ({ type: 'joined', position, nicks: ['bob'], count: 1 });
  const went = (position: number): Heard => ({ type: 'left', position, nicks: ['bob'], count: 1 });
  expect(wanted(since(), [history, came(1), old(2, 'a'), went(3), fresh(4, 'b'), came(5)])).toStrictEqual([
    'welcome',
    'b',
    'joined',
  ]);
  expect(wanted(since(), [history, came(1), went(8), came(9), old(10, 'a')])).toStrictEqual([
    'welcome',
    'joined',
    'a',
  ]);
});

test('a gap is told where something new enough may be in it', () => {
  const gap: Heard = { type: 'gap', from: 1, to: 4 };
  expect(wanted(since(), [history, gap, old(5, 'a'), fresh(6, 'b')])).toStrictEqual(['welcome', 'b']);
  expect(wanted(since(), [history, gap, fresh(5, 'a')])).toStrictEqual(['welcome', 'gap', 'a']);
  expect(wanted(since(), [history, { ...gap, to: 8 }, old(9, 'a')])).toStrictEqual(['welcome', 'gap', 'a']);
});

test('lines of an entry that were taken before are not wanted, but those of another log are', () => {
  const taken = { log: 'log', position: 4, lines: 2 };
  const lines = [0, 1, 2].map((index) => message({ position: 5, index, text: String(index) }));
  const make = () => sieve({ since: undefined, taken, without: undefined });
  expect(wanted(make(), lines)).toStrictEqual(['2']);
  expect(wanted(make(), [{ type: 'log-changed', log: 'other' }, ...lines])).toStrictEqual([
    'log-changed',
    '0',
    '1',
    '2',
  ]);
});

test('what a key said is not wanted', () => {
  const sift = sieve({ since: undefined, taken: undefined, without: 'mine' });
  expect(wanted(sift, [message({ key: 'mine', text: 'a' }), message({ text: 'b' })])).toStrictEqual(['b']);
});
