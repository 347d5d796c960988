import { expect, test } from '@jest/globals';
import { lineGraph } from '../../../../bench/measure/svg.mjs';

const graph = (points: [number, number][], name = 'rxchat') =>
  lineGraph({ title: 'deliveries', x: 'subscribers', y: 'a second', series: [{ name, points }] });
const pointsOf = (svg: string) => /points="([^"]*)"/.exec(svg)?.[1]?.split(' ');

test('what grows in proportion is a straight line from corner to corner', () => {
  const points: [number, number][] = [
    [10, 100],
    [100, 1000],
    [1000, 10_000],
  ];
  expect(pointsOf(graph(points))).toEqual(['70,350', '270,195', '470,40']);
});

test('what hardly changes is nearly level', () => {
  const points = pointsOf(
    graph([
      [10, 100],
      [1000, 110],
    ]),
  );
  expect(points).toEqual(['70,201.4', '470,188.6']);
});

test('points that a logarithm does not have are left out', () => {
  const points: [number, number][] = [
    [10, 100],
    [50, 0],
    [100, 1000],
  ];
  expect(pointsOf(graph(points))).toHaveLength(2);
});

test('names are text', () => {
  expect(graph([[1, 1]], '<script> & co')).toContain('&lt;script&gt; &amp; co');
});

test('nothing to draw is an error', () => {
  expect(() => graph([])).toThrow('nothing to draw: deliveries');
});
