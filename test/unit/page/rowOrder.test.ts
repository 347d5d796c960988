import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KEPT, rowOrder } from '../../../src/page/rowOrder.js';

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
  test('are in order, each once, in whatever order they come', () => {
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

  test('what was there is no change', () => {
    const order = fill(5, 7);
    expect([order.add(row(6)), order.add(row(8))]).toStrictEqual([false, true]);
  });

  test('the newest are kept', () => {
    const order = fill(1, KEPT + 2);
    expect([order.rows.length, order.rows[0]?.position]).toStrictEqual([KEPT, 3]);
    // Who is gone may come again.
    expect(order.add(row(KEPT + 3))).toBe(true);
    expect(order.rows[0]?.position).toBe(4);
  });

  test('a look back shows nothing until nothing is missing, and then all of it', () => {
    const order = fill(100, 120);
    order.lookBack();
    for (let n = 50; n < 100; n += 1) {
      expect(order.add(row(n))).toBe(false);
      expect(order.rows[0]?.position).toBe(100);
    }
    // The first that was known already is where the two meet.
    expect(order.add(row(100))).toBe(true);
    expect(positions(order)).toStrictEqual(Array.from({ length: 71 }, (_, at) => 50 + at));
    expect(order.isLookingBack).toBe(false);
  });

  test('a look back that found nothing changes nothing, and another may follow', () => {
    const order = fill(10, 12);
    order.lookBack();
    expect(order.isLookingBack).toBe(true);
    expect(order.add(row(10))).toBe(false);
    order.lookBack();
    order.add(row(9));
    // The row that was the first has expired meanwhile.
    expect(order.add(row(11))).toBe(true);
    expect(positions(order)).toStrictEqual([9, 10, 11, 12]);
  });

  test('another log ends it', () => {
    const order = fill(10, 12);
    order.lookBack();
    order.add(row(3));
    order.clear();
    expect(order.isLookingBack).toBe(false);
    expect(order.add(row(3))).toBe(true);
    expect(positions(order)).toStrictEqual([3]);
  });

  test('an empty room has nothing to look back from', () => {
    const order = rowOrder<Placed>();
    order.lookBack();
    expect(order.isLookingBack).toBe(false);
  });
});
