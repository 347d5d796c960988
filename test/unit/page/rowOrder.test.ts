import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_ROWS, rowOrder } from '../../../src/page/rowOrder.js';

interface Placed {
  readonly key: string;
  readonly position: number;
  readonly index: number;
}

const row = (position: number, index = 0): Placed => ({ key: `${position}.${index}`, position, index });
const fill = (from: number, to: number) => {
  const order = rowOrder<Placed>();
  for (let n = from; n <= to; n += 1) order.add(row(n));
  return order;
};
const positions = ({ rows }: { readonly rows: readonly Placed[] }) => rows.map(({ position }) => position);

describe('the rows of a room', () => {
  test('are in order and unique, whatever the order of insertion', () => {
    const place = fc.tuple(fc.nat(20), fc.nat(3));
    fc.assert(
      fc.property(fc.array(place, { maxLength: 60 }), (places) => {
        const order = rowOrder<Placed>();
        for (const [position, index] of places) order.add(row(position, index));
        const all = [...new Map(places.map((each) => [each.join('.'), row(...each)])).values()];
        expect(order.rows).toStrictEqual(
          all.sort((one, other) => one.position - other.position || one.index - other.index),
        );
      }),
    );
  });

  test('do not change when an existing row is added', () => {
    const order = fill(5, 7);
    expect([order.add(row(6)), order.add(row(8))]).toStrictEqual([false, true]);
  });

  test('are the newest ones', () => {
    const order = fill(1, MAX_ROWS + 2);
    expect([order.rows.length, order.rows[0]?.position]).toStrictEqual([MAX_ROWS, 3]);
    // An evicted row may be added again.
    expect(order.add(row(MAX_ROWS + 3))).toBe(true);
    expect(order.rows[0]?.position).toBe(4);
  });

  test('show loaded older rows once they are contiguous', () => {
    const order = fill(100, 120);
    order.startLoadingOlder();
    for (let n = 50; n < 100; n += 1) {
      expect(order.add(row(n))).toBe(false);
      expect(order.rows[0]?.position).toBe(100);
    }
    // Older rows end at the first known row.
    expect(order.add(row(100))).toBe(true);
    expect(positions(order)).toStrictEqual(Array.from({ length: 71 }, (_, at) => 50 + at));
    expect(order.isLoadingOlder).toBe(false);
  });

  test('do not change when no older row was loaded, and loading can be repeated', () => {
    const order = fill(10, 12);
    order.startLoadingOlder();
    expect(order.isLoadingOlder).toBe(true);
    expect(order.add(row(10))).toBe(false);
    order.startLoadingOlder();
    order.add(row(9));
    // The first row was evicted meanwhile.
    expect(order.add(row(11))).toBe(true);
    expect(positions(order)).toStrictEqual([9, 10, 11, 12]);
  });

  test('are cleared for another log', () => {
    const order = fill(10, 12);
    order.startLoadingOlder();
    order.add(row(3));
    order.clear();
    expect(order.isLoadingOlder).toBe(false);
    expect(order.add(row(3))).toBe(true);
    expect(positions(order)).toStrictEqual([3]);
  });

  test('does not load older rows if it has no row', () => {
    const order = rowOrder<Placed>();
    order.startLoadingOlder();
    expect(order.isLoadingOlder).toBe(false);
  });
});
