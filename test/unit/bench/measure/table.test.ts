import { expect, test } from '@jest/globals';
import { figure, spread, table, times } from '../../../../bench/measure/table.mjs';

test.each([
  [15_408_150, '15.4 M'],
  [341_586, '342 k'],
  [9876, '9876'],
  [123.4, '123'],
  [62.19, '62.2'],
  [4.46, '4.46'],
  [0.0789, '0.079'],
  [0, '0'],
  [undefined, '-'],
  [NaN, '-'],
])('%d is written %s', (value, text) => {
  expect(figure(value)).toBe(text);
});

test('a spread, and a ratio, and what has none', () => {
  expect(spread({ median: 2.5, min: 2, max: 30 })).toBe('2.5 (2–30)');
  expect(times({ median: 3, min: 2.5, max: 4 })).toBe('3x (2.5–4)');
  expect(spread({ median: NaN, min: Infinity, max: -Infinity })).toBe('-');
});

test('a table is aligned, its first column to the left', () => {
  expect(
    table(
      ['peer', 'deliveries'],
      [
        ['redis', '2'],
        ['c', '10'],
      ],
    ),
  ).toBe(
    [
      '| peer  | deliveries |',
      '| ----- | ---------: |',
      '| redis |          2 |',
      '| c     |         10 |',
    ].join('\n'),
  );
});
