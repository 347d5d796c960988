import { describe, expect, test } from '@jest/globals';
import { map, timer } from 'rxjs';
import { type NickReply, parseNickReply } from '../../../../streams/classic/framing/frames.js';
import { decodeTextLossy, encodeText } from '../../../../streams/wire/encoding.js';
import { marbles } from '../../../support/marbles.js';

const reportedBy = map((each: NickReply) =>
  each.type === 'nick' ? each.nick : `rest:${decodeTextLossy(each.bytes).slice(0, 8)}`,
);
const nick = parseNickReply({ idle$: timer(5) });

const answered = (rendered: string, parts: Record<string, string>, expected: string, values: object = {}) => {
  marbles(({ cold, expectObservable }) => {
    const chunk$ = cold(rendered).pipe(map((name) => encodeText(parts[name]!)));
    expectObservable(chunk$.pipe(nick, reportedBy)).toBe(expected, { ...values });
  });
};

describe('parseNickReply', () => {
  test('parseNickReply emits a nick after a pause, for any number of chunks', () => {
    answered('-a--b------|', { a: 'al', b: 'ice' }, '---------n-|', { n: 'alice' });
  });

  test('parseNickReply joins characters across chunks and trims white space', () => {
    const bytes = encodeText(' José María\n');
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('-a-b-----').pipe(
        map((name) => (name === 'a' ? bytes.subarray(0, 5) : bytes.subarray(5))),
      );
      expectObservable(chunk$.pipe(nick, reportedBy)).toBe('--------n', { n: 'José María' });
    });
  });

  test('parseNickReply ends the nick at once when a token follows', () => {
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
  ])('parseNickReply errors for a nick that is %s', (_, text, code) => {
    marbles(({ cold, expectObservable }) => {
      const chunk$ = cold('-a------').pipe(map(() => encodeText(text)));
      expectObservable(chunk$.pipe(nick)).toBe('------#', undefined, expect.objectContaining({ code }));
    });
  });

  test('parseNickReply errors for an endless nick, and releases the source', () => {
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
  ])('%s', (_, rendered, expected) => {
    answered(rendered, { a: 'alice' }, expected);
  });
});
