import { expect, test } from '@jest/globals';
import { createLogOrder } from '../../../src/page/logOrder.js';

const rowAt = (position: number) => ({ key: `${position}.message`, position, text: 'hello' });

test('rows of the next log follow those of the log before it, with keys of their own', () => {
  const logs = createLogOrder();
  logs.onWelcome('one');
  const [first, third] = [logs.place(rowAt(1)), logs.place(rowAt(3))];
  // A reconnection to the same log, of which older entries are read again.
  logs.onWelcome('one');
  expect(logs.place(rowAt(1))).toStrictEqual(first);
  logs.onWelcome('two');
  const next = logs.place(rowAt(1));
  expect([first.position, third.position, next.position]).toStrictEqual([1, 3, 4]);
  expect(new Set([first.key, third.key, next.key]).size).toBe(3);
  expect(next.text).toBe('hello');
  expect(logs.positionOf(2)).toBe(5);
  logs.onWelcome('three');
  expect(logs.place(rowAt(1)).position).toBe(6);
});
