import { describe, expect, test } from '@jest/globals';
import { map, timer } from 'rxjs';
import { frames } from '../../../../streams/classic/framing/frames.js';
import type { Frame } from '../../../../streams/classic/framing/tokenScanner.js';
import { decodeTextLossy, encodeText } from '../../../../streams/wire/encoding.js';
import { tokenOfBlocks } from '../../../support/classic/wire.js';
import { marbles } from '../../../support/marbles.js';

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
const names = map(({ bytes }: Frame) => {
  const text = decodeTextLossy(bytes);
  return NAMES.get(text) ?? text;
});
const found = (limit?: number) =>
  frames({ idle$: timer(5), ...(limit !== undefined && { maxTokenLength: limit }) });

describe('frames', () => {
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
  ])('%s', (_, rendered, expected) => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold(rendered).pipe(chunks, found(), names)).toBe(expected);
    });
  });

  test('frames joins texts without a pause between them', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-t--u-------|').pipe(chunks, found(), names)).toBe('---------w--|', {
        w: 'Bob left the chat.',
      });
    });
  });

  test('frames errors at a token that is too long, and releases the source', () => {
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

  test('frames emits the frames before a token that is too long', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-q').pipe(chunks, found(200), names)).toBe(
        '-(p#)',
        undefined,
        expect.objectContaining({ code: 'line-too-long' }),
      );
    });
  });

  test('unsubscribing frames releases the source and the timer', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = cold('-b--');
      expectObservable(chunk$.pipe(chunks, found(), names), '^--!').toBe('-');
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });

  test('one frames operator serves two sources', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = found();
      expectObservable(cold('-x--y|').pipe(chunks, operator, names)).toBe('----p|');
      expectObservable(cold('--x-----y|').pipe(chunks, operator, names)).toBe('--------p|');
    });
  });
});
