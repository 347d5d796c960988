import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { concat, finalize, from, map, merge, NEVER, timer } from 'rxjs';
import type { Token } from '../../streams/client/cipher.js';
import type { Heard } from '../../streams/client/conversation.js';
import { type Beginning, entriesFor, newestMessages } from '../../src/cli/listening/newest.js';
import { message, welcome } from '../support/heard.js';
import { marbles } from '../support/marbles.js';

const said = { lines: ['s'], token: 's' as Token, bytes: 1 };
const left = (position: number): Heard => ({ type: 'left', position, nicks: ['bob'], count: 1 });

/** A log of four entries: `a` to `d` are messages at their places in the alphabet, `A` to `D` departures. */
const heard: Record<string, Heard> = {
  W: welcome({ next: 5, from: 1 }),
  V: welcome({ next: 5, from: 3 }),
  U: welcome({ next: 5, from: 4 }),
  T: welcome({ next: 5, from: 5 }),
  O: { type: 'offline', reason: 'gone', retryMs: 1, attempt: 1 },
  s: { type: 'said', ...said },
  t: { type: 'stored', ...said, position: 3 },
  x: { type: 'gap', from: 2, to: 3 },
  ...Object.fromEntries(
    ['a', 'b', 'c', 'd', 'e'].flatMap((name, i) => [
      [name, message({ position: i + 1, text: name })],
      [name.toUpperCase(), left(i + 1)],
    ]),
  ),
  // Two lines of one entry.
  1: message({ position: 2, index: 0, text: '1', more: true }),
  2: message({ position: 2, index: 1, text: '2' }),
};

/** A turn ends a frame later. */
const turn$ = timer(1);

describe('newestMessages', () => {
  test.each([
    ['all, if there are fewer', 3, '                   W(aBcD)-   ', 'W-(aBcD)'],
    ['the newest and what comes with them', 1, '       W(abcD)-   ', 'W-(cD)'],
    ['what comes between them', 2, '                   W(aBcd)-   ', 'W-(Bcd)'],
    ['what comes later, at once', 1, '                 W(abcd)--e ', 'W-d------e'],
    ['none of the past', 0, '                          T--e       ', 'T--e'],
    ['a part of an entry', 2, '                        W(a12cD)-  ', 'W-(2cD)'],
    ['what was said and stored, whatever is left out', 1, 'W(sabctd)- ', 'W-(std)'],
    ['what is held, if it ends early', 1, '            W(ab)|     ', 'W----(b|)'],
    ['a loss of the relay, at once', 1, '              W(ab)OW(cd)', 'W----OW-d'],
  ])('%s', (_name, count, drawn, expected) => {
    marbles(({ cold, expectObservable }) => {
      const read = () => cold(drawn.trim(), heard);
      expectObservable(newestMessages({ count, read, turn$ })).toBe(expected, heard);
    });
  });

  const LOG = { log: 'log' };
  /** More than this is too much to hold. */
  const ONE = 600;

  test.each([
    [
      'too much to hold',
      2,
      ONE,
      ['W(abcd)-', 'V(cd)e'],
      'W--(cd)e',
      [{ last: 9 }, { after: { ...LOG, n: 2 } }],
    ],
    [
      'too much to hold, within an entry',
      2,
      ONE,
      ['W(a12d)-', 'V(12d)-'],
      'W--(2d)',
      [{ last: 9 }, { after: { ...LOG, n: 1 } }],
    ],
    [
      'what was counted is kept no longer',
      2,
      ONE,
      ['W(a12d)-', 'U(xd)-'],
      'W--(xd)',
      [{ last: 9 }, { after: { ...LOG, n: 1 } }],
    ],
    [
      'a relay that is lost and back',
      2,
      ONE,
      ['W(abcd)-', 'V(cd)OW'],
      'W--(cd)OW',
      [{ last: 9 }, { after: { ...LOG, n: 2 } }],
    ],
    [
      'too few of them are messages',
      2,
      9e9,
      ['V(CD)-', 'W(abCD)-'],
      'V---(abCD)',
      [{ last: 9 }, { last: 36 }],
    ],
    [
      'too few messages are in the log',
      9,
      9e9,
      ['V(cD)-', 'W(AbcD)-'],
      'V---(AbcD)',
      [{ last: 9 }, { last: 36 }],
    ],
  ])('%s: the room is read again', (_name, count, heldBytes, readings, expected, places) => {
    marbles(({ cold, expectObservable, flush }) => {
      const asked: Pick<Beginning, 'after' | 'last'>[] = [];
      const replaced: boolean[] = [];
      const read = ({ after, last, isReplaced }: Beginning) => {
        asked.push({ ...(after && { after }), ...(last !== undefined && { last }) });
        return cold(readings[asked.length - 1] ?? '-', heard).pipe(
          finalize(() => replaced.push(isReplaced())),
        );
      };
      expectObservable(newestMessages({ count, read, heldBytes, entries: 9, turn$ }), '20ms !').toBe(
        expected,
        heard,
      );
      flush();
      expect([asked, replaced]).toStrictEqual([places, [true, false]]);
    });
  });

  test('nothing is said before the reading that goes on', () => {
    marbles(({ cold, expectObservable }) => {
      const readings = ['V(CD)-', 'W(abCD)-'];
      const read = ({ settled$ }: Beginning) =>
        merge(
          cold(readings.shift() ?? '-', heard),
          settled$.pipe(map((): Heard => ({ type: 'said', ...said }))),
        );
      expectObservable(newestMessages({ count: 2, read, entries: 2, turn$ })).toBe('V---(abCDs)', heard);
    });
  });

  test('are the newest, whatever the log has and however little is held', () => {
    const entry = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4 }));
    const log = fc.array(entry, { maxLength: 3000, size: 'max' });
    fc.assert(
      fc.property(
        log,
        fc.nat(2000),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(5000),
        (lines, count, entries, heldBytes) => {
          const all = lines.map((n, i): Heard[] =>
            n === 0
              ? [left(i + 1)]
              : Array.from({ length: n }, (_, index) =>
                  message({ position: i + 1, index, text: `${i + 1}/${index}` }),
                ),
          );
          const read = ({ after, last = 0 }: Beginning) => {
            const n = after?.n ?? Math.max(0, all.length - last);
            return concat(
              from([welcome({ next: all.length + 1, from: n + 1 }), ...all.slice(n).flat()]),
              NEVER,
            );
          };
          const texts: string[] = [];
          marbles(({ flush }) => {
            newestMessages({ count, read, heldBytes, entries, turn$ }).subscribe((each) => {
              if (each.type === 'message') texts.push(each.text);
            });
            flush();
          });
          const wanted = all.flat().flatMap((each) => (each.type === 'message' ? [each.text] : []));
          expect(texts).toStrictEqual(count === 0 ? [] : wanted.slice(-count));
        },
      ),
      { numRuns: 50, endOnFailure: true },
    );
  });
});

test('so many entries are asked for that the messages are probably among them, and no number that is too large', () => {
  expect([0, 1, 128, 300_000].map(entriesFor)).toStrictEqual([0, 73, 1216, 301_088]);
  expect(String(entriesFor(Number.MAX_SAFE_INTEGER))).toHaveLength(15);
});
