import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { concat, finalize, from, map, merge, NEVER, timer } from 'rxjs';
import type { Token } from '../../../../streams/client/envelope/cipher.js';
import type { ClientEvent } from '../../../../streams/client/clientEvent.js';
import {
  type ReadAttempt,
  initialEntryCount,
  newestMessages,
} from '../../../../src/cli/shared/newestMessages.js';
import { messageEvent, welcomeEvent } from '../../../support/clientEvents.js';
import { marbles } from '../../../support/marbles.js';

const sent = { lines: ['s'], token: 's' as Token, bytes: 1 };
const left = (position: number): ClientEvent => ({ type: 'left', position, nicks: ['bob'], count: 1 });

/** A log of four entries: `a` to `d` are messages at positions 1 to 4, `A` to `D` are leaves there. */
const events: Record<string, ClientEvent> = {
  W: welcomeEvent({ next: 5, from: 1 }),
  V: welcomeEvent({ next: 5, from: 3 }),
  U: welcomeEvent({ next: 5, from: 4 }),
  T: welcomeEvent({ next: 5, from: 5 }),
  O: { type: 'offline', reason: 'gone', retryMs: 1, attempt: 1 },
  s: { type: 'queued', ...sent },
  t: { type: 'stored', ...sent, position: 3 },
  x: { type: 'gap', from: 2, to: 3 },
  ...Object.fromEntries(
    ['a', 'b', 'c', 'd', 'e'].flatMap((name, i) => [
      [name, messageEvent({ position: i + 1, text: name })],
      [name.toUpperCase(), left(i + 1)],
    ]),
  ),
  // Two lines of one entry.
  1: messageEvent({ position: 2, index: 0, text: '1', more: true }),
  2: messageEvent({ position: 2, index: 1, text: '2' }),
};

/** A tick ends a frame later. */
const tick$ = timer(1);

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
  ])('%s', (_name, count, rendered, expected) => {
    marbles(({ cold, expectObservable }) => {
      const read = () => cold(rendered.trim(), events);
      expectObservable(newestMessages({ count, read, endOfTick$: tick$ })).toBe(expected, events);
    });
  });

  const LOG = { log: 'log' };
  /** The byte limit for held messages. */
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
  ])('%s: the room is read again', (_name, count, pendingBytes, batches, expected, places) => {
    marbles(({ cold, expectObservable, flush }) => {
      const requested: Pick<ReadAttempt, 'after' | 'last'>[] = [];
      const replaced: boolean[] = [];
      const read = ({ after, last, isReplaced }: ReadAttempt) => {
        requested.push({ ...(after && { after }), ...(last !== undefined && { last }) });
        return cold(batches[requested.length - 1] ?? '-', events).pipe(
          finalize(() => replaced.push(isReplaced())),
        );
      };
      expectObservable(
        newestMessages({ count, read, bufferBytes: pendingBytes, initialEntries: 9, endOfTick$: tick$ }),
        '20ms !',
      ).toBe(expected, events);
      flush();
      expect([requested, replaced]).toStrictEqual([places, [true, false]]);
    });
  });

  test('nothing is said before the reading that goes on', () => {
    marbles(({ cold, expectObservable }) => {
      const batches = ['V(CD)-', 'W(abCD)-'];
      const read = ({ settled$ }: ReadAttempt) =>
        merge(
          cold(batches.shift() ?? '-', events),
          settled$.pipe(map((): ClientEvent => ({ type: 'queued', ...sent }))),
        );
      expectObservable(newestMessages({ count: 2, read, initialEntries: 2, endOfTick$: tick$ })).toBe(
        'V---(abCDs)',
        events,
      );
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
        (lines, count, entries, pendingBytes) => {
          const all = lines.map((n, i): ClientEvent[] =>
            n === 0
              ? [left(i + 1)]
              : Array.from({ length: n }, (_, index) =>
                  messageEvent({ position: i + 1, index, text: `${i + 1}/${index}` }),
                ),
          );
          const read = ({ after, last = 0 }: ReadAttempt) => {
            const n = after?.n ?? Math.max(0, all.length - last);
            return concat(
              from([welcomeEvent({ next: all.length + 1, from: n + 1 }), ...all.slice(n).flat()]),
              NEVER,
            );
          };
          const texts: string[] = [];
          marbles(({ flush }) => {
            newestMessages({
              count,
              read,
              bufferBytes: pendingBytes,
              initialEntries: entries,
              endOfTick$: tick$,
            }).subscribe((each) => {
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

test('requests enough entries for the messages in all probability, and never too large a number', () => {
  expect([0, 1, 128, 300_000].map(initialEntryCount)).toStrictEqual([0, 73, 1216, 301_088]);
  expect(String(initialEntryCount(Number.MAX_SAFE_INTEGER))).toHaveLength(15);
});
