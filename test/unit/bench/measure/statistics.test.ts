import { expect, test } from '@jest/globals';
import { median, ratio, summary } from '../../../../bench/measure/statistics.mjs';

test('the median of an odd and of an even number of runs', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 9, 2])).toBe(3);
});

test('one wild run moves the spread and not the median', () => {
  expect(summary([10, 11, 1000])).toEqual({ median: 11, min: 10, max: 1000 });
});

test('no runs have no median', () => {
  expect(summary([]).median).toBeNaN();
});

test('a ratio is that of the medians, its spread that of runs beside each other', () => {
  expect(ratio([20, 40, 60], [10, 10, 20])).toEqual({ median: 4, min: 2, max: 4 });
});

test('a run that one of both did not get through stands beside none', () => {
  expect(ratio([20, undefined, 60], [10, 1, 20])).toEqual({ median: 4, min: 2, max: 3 });
  expect(ratio([undefined], [1]).median).toBeNaN();
});

test('a figure of nought has no ratio', () => {
  expect(ratio([0, 8], [4, 4])).toEqual({ median: 2, min: 2, max: 2 });
});
