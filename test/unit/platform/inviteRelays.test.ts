import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EMPTY } from 'rxjs';
import { createInvite, type Invite } from '../../../src/invite/invite.js';
import { inviteRelays } from '../../../src/platform/inviteRelays.js';
import { formatAddress } from '../../../src/util/address.js';

const relay = (n: number) => ({ host: `relay${n}.example.org`, port: n + 1 });

/** Returns an invite with some relays. */
const inviteWith = (count: number): Invite => {
  const [first, ...otherRelays] = Array.from({ length: count }, (_, n) => relay(n));
  return createInvite({ ...first!, otherRelays });
};

/** Returns the addresses in the order in which a client tries them. */
const orderOf = (invite: Invite, random: () => number): readonly string[] => {
  const order: string[] = [];
  const rotation = inviteRelays(random)(invite, (to) => {
    order.push(formatAddress(to));
    return EMPTY;
  });
  for (let n = 0; n < (rotation?.count ?? 0); n += 1) {
    rotation?.connect$.subscribe();
    rotation?.advance();
  }
  return order;
};

test('an invite with one relay has no rotation', () => {
  expect(inviteRelays(() => 0)(inviteWith(1), () => EMPTY)).toBeUndefined();
});

test('each relay is tried once, whatever the random numbers are', () => {
  const numbers = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
    minLength: 8,
    maxLength: 8,
  });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 8 }), numbers, (count, chances) => {
      const left = [...chances];
      const order = orderOf(inviteWith(count), () => left.pop() ?? 0);
      const all = Array.from({ length: count }, (_, n) => formatAddress(relay(n)));
      expect([...order].sort()).toStrictEqual(all.sort());
    }),
  );
});

test('all orders are equally frequent, so that the members of a lost relay spread over the others', () => {
  const counts = new Map<string, number>();
  const steps = 6;
  for (let first = 0; first < steps; first += 1)
    for (let second = 0; second < steps; second += 1) {
      const numbers = [0, second / steps, first / steps];
      const order = orderOf(inviteWith(3), () => numbers.pop() ?? 0).join(' ');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
  expect([...counts.values()]).toStrictEqual(Array<number>(6).fill(6));
});

test('a relay is connected to with the pin and the secret of the invite', () => {
  const invite = { ...inviteWith(2), pin: 'A'.repeat(43) };
  const connected: Invite[] = [];
  const rotation = inviteRelays(() => 0.9)(invite, (to) => {
    connected.push(to);
    return EMPTY;
  });
  rotation?.connect$.subscribe();
  expect(connected).toStrictEqual([{ ...relay(1), secret: invite.secret, pin: invite.pin }]);
});
