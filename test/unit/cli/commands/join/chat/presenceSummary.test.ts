import { expect, test } from '@jest/globals';
import { presenceSummary } from '../../../../../../src/cli/commands/join/chat/presenceSummary.js';
import { formatLine } from '../../../../../../src/cli/commands/join/chat/line.js';
import { UNSAFE } from '../../../../../support/clientEvents.js';

const plain = (lines: readonly Parameters<typeof formatLine>[0][]) =>
  lines.map((line) => String(formatLine(line)));

test('presenceSummary puts the joins of one second on one line, and the leaves on another', () => {
  const clients = presenceSummary();
  clients.add('joined', 'bob', 0);
  clients.add('joined', 'carol', 400);
  clients.add('left', 'dave', 900);
  expect(clients.takeDue(999)).toStrictEqual([]);
  expect(plain(clients.takeDue(1000))).toStrictEqual(['<-- dave left', '--> bob, carol joined']);
  expect(clients.isPending).toBe(false);
  expect(clients.takeDue(5000)).toStrictEqual([]);
});

test('presenceSummary delays no message, and shows none before the join of its sender', () => {
  const clients = presenceSummary();
  clients.add('joined', 'bob', 0);
  expect(plain(clients.flush(1))).toStrictEqual(['--> bob joined']);
});

test('presenceSummary reports reconnects and short visits', () => {
  const clients = presenceSummary();
  clients.add('left', 'bob', 0);
  clients.add('joined', 'bob', 500);
  clients.add('joined', 'eve', 500);
  clients.add('left', 'eve', 600);
  expect(plain(clients.takeDue(2000))).toStrictEqual(['-- bob reconnected', '-- eve came and left']);
});

test('presenceSummary says of a short visit in a group room that a member was online', () => {
  const clients = presenceSummary(true);
  clients.add('joined', 'eve', 500);
  clients.add('left', 'eve', 600);
  expect(plain(clients.takeDue(2000))).toStrictEqual(['-- eve came online and went offline']);
});

test('presenceSummary reports a flapping member once in a while, and delays nobody', () => {
  const clients = presenceSummary();
  for (const second of [0, 5, 10]) {
    clients.add(second === 5 ? 'left' : 'joined', 'bob', second * 1000);
    expect(clients.takeDue(second * 1000 + 1000)).toHaveLength(1);
  }
  for (const second of [15, 20, 25, 30]) {
    clients.add('left', 'bob', second * 1000);
    clients.add('joined', 'bob', second * 1000 + 900);
  }
  clients.add('joined', 'carol', 31_000);
  expect(plain(clients.takeDue(32_000))).toStrictEqual(['--> carol joined']);
  expect(clients.flush(40_000)).toStrictEqual([]);
  expect(plain(clients.takeDue(45_000))).toStrictEqual(['-- bob reconnected (4x)']);
});

test('presenceSummary sanitizes nicks', () => {
  const clients = presenceSummary();
  clients.add('joined', 'b\x1b[2J', 0);
  clients.add('left', 'x\r', 0);
  clients.add('joined', 'x\r', 1);
  for (const line of plain(clients.takeDue(1000))) expect(line).not.toMatch(UNSAFE);
});
