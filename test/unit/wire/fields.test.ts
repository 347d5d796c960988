import { describe, expect, test } from '@jest/globals';
import { parseFields, parseNumber, formatFields } from '../../../streams/wire/fields.js';

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
