import { describe, expect, test } from '@jest/globals';
import {
  formatAncestors,
  formatFields,
  MAX_ANCESTORS,
  parseAncestors,
  parseFields,
  parseNumber,
  sharedPosition,
} from '../../../streams/wire/fields.js';

describe('fields', () => {
  test('what was written is read', () => {
    const words = formatFields({ log: 'abc', next: 7 }).split(' ');
    expect(parseFields(words)).toStrictEqual(
      new Map([
        ['log', 'abc'],
        ['next', '7'],
      ]),
    );
  });

  test('what is undefined is left out, and what is empty or zero is not', () => {
    expect(formatFields({ a: undefined, b: '', c: 0 })).toBe('b= c=0');
  });

  test('a value may hold further equals signs', () => {
    expect(parseFields(['key=a=b=']).get('key')).toBe('a=b=');
  });

  test('the first of two equal keys counts', () => {
    expect(parseFields(['n=1', 'n=2']).get('n')).toBe('1');
  });

  test('words without a key or without a value pass unread', () => {
    expect(parseFields(['', 'word', '=value', '='])).toStrictEqual(new Map());
  });
});

describe('a number on the wire', () => {
  test.each([
    ['0', 0],
    ['1', 1],
    ['10', 10],
    ['999999999999999', 999_999_999_999_999],
  ])('is read: %s', (text, n) => {
    expect(parseNumber(text)).toBe(n);
  });

  const bad = [
    undefined,
    '',
    '00',
    '01',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x1',
    ' 1',
    '1 ',
    '1\n',
    '١',
    '1000000000000000',
  ];

  test.each(bad.map((text) => [text]))('rejects %j', (text) => {
    expect(parseNumber(text)).toBeUndefined();
  });
});

describe('the ancestors of a log', () => {
  test('what was written is read, newest first, and no more than are remembered', () => {
    const ancestors = Array.from({ length: MAX_ANCESTORS + 1 }, (_, n) => ({ log: `log-${n}`, n: 20 - n }));
    expect(formatAncestors([])).toBeUndefined();
    expect(formatAncestors(ancestors.slice(0, 2))).toBe('log-0/20,log-1/19');
    expect(parseAncestors(undefined)).toStrictEqual([]);
    expect(parseAncestors(formatAncestors(ancestors))).toStrictEqual(ancestors.slice(0, MAX_ANCESTORS));
  });

  test('an ancestor shares no more with a log than its successor does', () => {
    expect(parseAncestors('b/3,a/7')).toStrictEqual([
      { log: 'b', n: 3 },
      { log: 'a', n: 3 },
    ]);
  });

  test.each(['a', 'a/', 'a/x', '/3', 'a/3/x', 'a/3,', '*/3', 'a/-1'])('rejects %j', (text) => {
    expect(() => parseAncestors(text)).toThrow('WELCOME has an invalid list of ancestors');
  });

  test('a log shares all with itself, a part with an ancestor, and nothing with another log', () => {
    const log = { log: 'c', ancestors: [{ log: 'b', n: 9 }] };
    expect(['c', 'b', 'a', undefined].map((id) => sharedPosition(log, id))).toStrictEqual([
      Infinity,
      ...[9, undefined, undefined],
    ]);
  });
});
