import { describe, expect, test } from '@jest/globals';
import { map, timer } from 'rxjs';
import { pieces } from '../../../streams/classic/pieces.js';
import type { Piece } from '../../../streams/classic/tokenScanner.js';
import { decodeTextLossy, encodeText } from '../../../streams/wire/utf8.js';
import { tokenOfBlocks } from '../../support/classic/wire.js';
import { marbles } from '../../support/marbles.js';

const padded = tokenOfBlocks(1);
const bare = tokenOfBlocks(3);
const PARTS: Readonly<Record<string, string>> = {
  p: padded,
  b: bare,
  x: padded.slice(0, 40),
  y: padded.slice(40),
  t: 'Bob left',
  u: ' the chat.',
  l: `gAAAAA${'x'.repeat(300)}`,
  q: `${padded}gAAAAA${'x'.repeat(300)}`,
};
const NAMES = new Map(Object.entries(PARTS).map(([name, text]) => [text, name]));

const chunks = map((name: string) => encodeText(PARTS[name]!));
const names = map(({ bytes }: Piece) => {
  const text = decodeTextLossy(bytes);
  return NAMES.get(text) ?? text;
});
const found = (limit?: number) => pieces({ silence$: timer(5), ...(limit !== undefined && { limit }) });

describe('pieces', () => {
  test.each([
    ['never', '-', '-'],
    ['empty', '|', '|'],
    ['an error', '--#', '--#'],
    ['a token with padding, at once', '-p--|', '-p--|'],
    ['a token in two chunks', '-x--------------y-|', '----------------p-|'],
    ['a token without padding, after a silence', '-b--------|', '------b---|'],
    ['two of them, the first as soon as the second begins', '-b--b--------|', '----b----b---|'],
    ['one of them, as soon as its stream ends', '-b--|', '----(b|)'],
    ['a text, after a silence', '-t---------|', '------t----|'],
    ['a text, before the token that follows', '-t--p---|', '----(tp)|'],
    ['without end', '-p-p-p-', '-p-p-p-'],
  ])('%s', (_, drawn, expected) => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold(drawn).pipe(chunks, found(), names)).toBe(expected);
    });
  });

  test('texts that follow each other within a silence are one', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-t--u-------|').pipe(chunks, found(), names)).toBe('---------w--|', {
        w: 'Bob left the chat.',
      });
    });
  });

  test('a token that is too long is an error, and the source is let go', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = cold('-p--l--p');
      expectObservable(chunk$.pipe(chunks, found(200), names)).toBe(
        '-p--#',
        undefined,
        expect.objectContaining({ code: 'line-too-long', message: 'a token is longer than 200 characters' }),
      );
      expectSubscriptions(chunk$.subscriptions).toBe('^---!');
    });
  });

  test('what stood before a token that is too long is told first', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-q').pipe(chunks, found(200), names)).toBe(
        '-(p#)',
        undefined,
        expect.objectContaining({ code: 'line-too-long' }),
      );
    });
  });

  test('whoever unsubscribes lets go of the source and of the silence', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = cold('-b--');
      expectObservable(chunk$.pipe(chunks, found(), names), '^--!').toBe('-');
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });

  test('one operator can be used twice', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = found();
      expectObservable(cold('-x--y|').pipe(chunks, operator, names)).toBe('----p|');
      expectObservable(cold('--x-----y|').pipe(chunks, operator, names)).toBe('--------p|');
    });
  });
});
