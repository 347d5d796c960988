import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cells, expandTabs, textWidth, wrap } from '../../../src/text/cells.js';
import { concatText, safe, styleText, sanitizeLines, sanitizeMessage } from '../../../src/text/sanitize.js';

const FAMILY = '👨‍👩‍👧‍👦';

describe('the width of a text', () => {
  test.each([
    ['', 0],
    ['hello', 5],
    ['日本', 4],
    ['e\u0301', 1],
    [FAMILY, 2],
    ['👍🏽', 2],
    ['น้ำ', 2],
    ['🇩🇪', 2],
    ['❤️', 2],
    ['␛[31m', 5],
    ['\x1b[1;38;5;208mred\x1b[39m', 3],
  ])('%p is %d cells', (text, expected) => {
    expect(textWidth(text)).toBe(expected);
    expect(cells(text).reduce((sum, each) => sum + each.width, 0)).toBe(expected);
  });
});

describe('wrapping', () => {
  const bob = safe`12:30 bob: what did you say`;

  test('is between words, and under the text', () => {
    expect(wrap(bob, 22, 11).split('\n')).toStrictEqual(['12:30 bob: what did', '           you say']);
    expect(wrap(bob, 27, 11)).toBe(bob);
    expect(wrap(bob, 26, 11).split('\n')).toStrictEqual(['12:30 bob: what did you', '           say']);
  });

  test('breaks what has no spaces where the row is full', () => {
    expect(wrap(safe`-- abcdefghijklmnop`, 10, 3).split('\n')).toStrictEqual([
      '-- abcdefg',
      '   hijklmn',
      '   op',
    ]);
  });

  test('breaks between wide characters, and never in one', () => {
    expect(wrap(safe`a 日本語日本語`, 8, 2).split('\n')).toStrictEqual(['a 日本語', '  日本語']);
    expect(wrap(safe`日本語`, 5).split('\n')).toStrictEqual(['日本', '語']);
    expect(wrap(safe`${FAMILY}${FAMILY}${FAMILY}`, 4).split('\n')).toStrictEqual([FAMILY + FAMILY, FAMILY]);
  });

  test('keeps the lines there are, and what stands before them', () => {
    expect(wrap(sanitizeLines('if x:\n    return 1\n\nend'), 20, 2)).toBe('if x:\n    return 1\n\nend');
    expect(wrap(sanitizeLines('    return one two'), 12, 2).split('\n')).toStrictEqual([
      '    return',
      '  one two',
    ]);
  });

  test('measures no sequence of our own', () => {
    const red = concatText(styleText(safe`bob`, [31], 39), safe`: hello you`);
    expect(wrap(red, 10, 5).split('\n')).toStrictEqual(['\x1b[31mbob\x1b[39m: hello', '     you']);
  });

  test('an indentation never takes more than half', () => {
    expect(wrap(safe`a b c d e f`, 6, 40).split('\n')).toStrictEqual(['a b c', '   d e', '   f']);
  });

  test('no row is wider than it may be, and nothing but spaces is lost', () => {
    const unit = fc.constantFrom('a', 'b', ' ', '日', FAMILY, 'e\u0301', '\n', '語');
    fc.assert(
      fc.property(
        fc.string({ unit }),
        fc.integer({ min: 4, max: 30 }),
        fc.integer({ min: 0, max: 40 }),
        (text, columns, indent) => {
          const wrapped = wrap(sanitizeLines(text), columns, indent);
          for (const row of wrapped.split('\n')) expect(textWidth(row)).toBeLessThanOrEqual(columns);
          expect(wrapped.replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
        },
      ),
    );
  });
});

describe('tabs on a screen', () => {
  test.each([
    ['a\tb', 'a       b'],
    ['1234567\tb', '1234567 b'],
    ['12345678\tb', '12345678        b'],
    ['\t\tcc $<', '                cc $<'],
    ['日本\tb', '日本    b'],
    ['no tab', 'no tab'],
    ['end\t', 'end     '],
  ])('%j is spaces up to the next multiple of 8', (text, expanded) => {
    expect(expandTabs(sanitizeMessage(text))).toBe(expanded);
  });

  test('are counted from the beginning of each line', () => {
    expect(
      expandTabs(concatText(sanitizeMessage('abc\tx'), sanitizeLines('\n'), sanitizeMessage('\ty'))),
    ).toBe('abc     x\n        y');
  });

  test('take time in proportion to the text', () => {
    expect(textWidth(expandTabs(sanitizeMessage('é\t'.repeat(16_000))))).toBe(128_000);
  });
});
