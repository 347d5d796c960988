import { expect, test } from '@jest/globals';
import { comings } from '../../../src/cli/chat/comings.js';
import { plainLine } from '../../../src/cli/chat/line.js';
import { UNSAFE } from '../../support/heard.js';

const plain = (lines: readonly Parameters<typeof plainLine>[0][]) =>
  lines.map((line) => String(plainLine(line)));

test('who comes within a second stands in one line, who goes in another', () => {
  const people = comings();
  people.take('joined', 'bob', 0);
  people.take('joined', 'carol', 400);
  people.take('left', 'dave', 900);
  expect(people.due(999)).toStrictEqual([]);
  expect(plain(people.due(1000))).toStrictEqual(['<-- dave left', '--> bob, carol joined']);
  expect(people.isWaiting).toBe(false);
  expect(people.due(5000)).toStrictEqual([]);
});

test('what is said next does not wait, nor is it told before who said it', () => {
  const people = comings();
  people.take('joined', 'bob', 0);
  expect(plain(people.flush(1))).toStrictEqual(['--> bob joined']);
});

test('who goes and comes back meanwhile has reconnected, who comes and goes was there', () => {
  const people = comings();
  people.take('left', 'bob', 0);
  people.take('joined', 'bob', 500);
  people.take('joined', 'eve', 500);
  people.take('left', 'eve', 600);
  expect(plain(people.due(2000))).toStrictEqual(['-- bob reconnected', '-- eve came and left']);
});

test('who does so again and again is told of once in a while, and holds nobody up', () => {
  const people = comings();
  for (const second of [0, 5, 10]) {
    people.take(second === 5 ? 'left' : 'joined', 'bob', second * 1000);
    expect(people.due(second * 1000 + 1000)).toHaveLength(1);
  }
  for (const second of [15, 20, 25, 30]) {
    people.take('left', 'bob', second * 1000);
    people.take('joined', 'bob', second * 1000 + 900);
  }
  people.take('joined', 'carol', 31_000);
  expect(plain(people.due(32_000))).toStrictEqual(['--> carol joined']);
  expect(people.flush(40_000)).toStrictEqual([]);
  expect(plain(people.due(45_000))).toStrictEqual(['-- bob reconnected (4x)']);
});

test('what others call themselves is made visible', () => {
  const people = comings();
  people.take('joined', 'b\x1b[2J', 0);
  people.take('left', 'x\r', 0);
  people.take('joined', 'x\r', 1);
  for (const line of plain(people.due(1000))) expect(line).not.toMatch(UNSAFE);
});
