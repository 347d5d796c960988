import { expect, test } from '@jest/globals';
import type { Pending } from '../../../../streams/relay/cluster/pending.js';
import { PendingQueue } from '../../../../streams/relay/cluster/pendingQueue.js';

const handoff = (number: number, bytes: number): Pending => ({
  type: 'handoff',
  id: { writer: 'relay/1', number },
  parts: [
    { session: 'session', connection: 'connection', lines: { bytes: new Uint8Array(bytes), count: 1 } },
  ],
});

/** The numbers of the handoffs that wait. */
const numbersOf = ({ all }: PendingQueue) =>
  all.map((item) => (item.type === 'handoff' ? item.id.number : 0));

test('PendingQueue drops lines of other relays while more than 1 MiB waits, until it is committed', () => {
  const queue = new PendingQueue(undefined);
  const [first, second, third, fourth] = [
    handoff(1, 600_000),
    handoff(2, 600_000),
    handoff(3, 1),
    handoff(4, 1),
  ] as const;
  for (const each of [first, second, third]) queue.add(each);
  expect(numbersOf(queue)).toStrictEqual([1, 2]);
  queue.take([first, second]);
  queue.add(third);
  expect(numbersOf(queue)).toStrictEqual([]);
  queue.settle([first, second]);
  queue.add(fourth);
  expect(numbersOf(queue)).toStrictEqual([4]);
});

test('PendingQueue drops lines of other relays that are empty, if there are too many', () => {
  const queue = new PendingQueue(undefined);
  for (let number = 1; number < 10_000; number += 1)
    queue.add({ type: 'handoff', id: { writer: 'relay/1', number }, parts: [] });
  expect(queue.all.length).toBeLessThan(6000);
});
