import { describe, expect, test } from '@jest/globals';
import { map, timer } from 'rxjs';
import { type Answer, answer } from '../../../streams/classic/answer.js';
import { decodeTextLossy, encodeText } from '../../../streams/wire/utf8.js';
import { marbles } from '../../support/marbles.js';

const told = map((each: Answer) =>
  each.type === 'nick' ? each.nick : `rest:${decodeTextLossy(each.bytes).slice(0, 8)}`,
);
const nick = answer({ silence$: timer(5) });

const answered = (drawn: string, parts: Record<string, string>, expected: string, values: object = {}) => {
  marbles(({ cold, expectObservable }) => {
    const chunk$ = cold(drawn).pipe(map((name) => encodeText(parts[name]!)));
    expectObservable(chunk$.pipe(nick, told)).toBe(expected, { ...values });
  });
};

describe('answer', () => {
  test('a nick is whole after a silence, in however many chunks it came', () => {
    answered('-a--b------|', { a: 'al', b: 'ice' }, '---------n-|', { n: 'alice' });
  });

  test('accents may be cut in the middle of a character, and white space around them is no part of it', () => {
    const bytes = encodeText(' José María\n');
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('-a-b-----').pipe(
        map((name) => (name === 'a' ? bytes.subarray(0, 5) : bytes.subarray(5))),
      );
      expectObservable(chunk$.pipe(nick, told)).toBe('--------n', { n: 'José María' });
    });
  });

  test('a token right behind it ends it at once', () => {
    answered('-a---b|', { a: 'alicegAAAAAx', b: 'more' }, '-(nr)b|', {
      n: 'alice',
      r: 'rest:gAAAAAx',
      b: 'rest:more',
    });
  });

  test.each([
    ['empty', ' \n', 'nick-empty'],
    ['too long', 'x'.repeat(33), 'nick-too-long'],
    ['made to move the cursor', 'a\u001b[2J', 'nick-invalid'],
    ['of two lines', 'a\nb', 'nick-invalid'],
    ['written backwards', 'a\u202eb', 'nick-invalid'],
    ['one that ends before the text does', 'a: b', 'nick-invalid'],
  ])('a nick that is %s is an error', (_, text, code) => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('-a------').pipe(map(() => encodeText(text)));
      expectObservable(chunk$.pipe(nick)).toBe('------#', undefined, expect.objectContaining({ code }));
    });
  });

  test('what is endless is an error at once, and the source is let go', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source$ = cold('-aa-----');
      const chunk$ = source$.pipe(map(() => encodeText('x'.repeat(300))));
      expectObservable(chunk$.pipe(nick)).toBe(
        '--#',
        undefined,
        expect.objectContaining({ code: 'nick-too-long' }),
      );
      expectSubscriptions(source$.subscriptions).toBe('^-!');
    });
  });

  test.each([
    ['never', '-', '-'],
    ['empty', '|', '|'],
    ['an error', '-#', '-#'],
    ['an end before the silence', '-a-|', '---|'],
  ])('%s', (_, drawn, expected) => {
    answered(drawn, { a: 'alice' }, expected);
  });
});
