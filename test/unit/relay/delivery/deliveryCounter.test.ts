import { expect, test } from '@jest/globals';
import { deliveryCounter } from '../../../../streams/relay/delivery/deliveryCounter.js';

test('a delivery that was removed still counts with what it sent and skipped, once', () => {
  const counter = deliveryCounter();
  const [fast, slow] = [
    { sentCount: 5, skippedCount: 0, isBlocked: false },
    { sentCount: 2, skippedCount: 3, isBlocked: true },
  ];
  counter.add(fast);
  counter.add(slow);
  const sums = { sentEntries: 7, skippedEntries: 3 };
  expect(counter.totals()).toStrictEqual({ members: 2, slowReaders: 1, ...sums });
  counter.remove(slow);
  counter.remove(slow);
  expect(counter.totals()).toStrictEqual({ members: 1, slowReaders: 0, ...sums });
});
