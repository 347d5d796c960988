import { expect, test } from '@jest/globals';
import type { Announced } from '../../../../streams/relay/members/presence.js';
import { deferredAnnouncements } from '../../../../streams/relay/log/commitQueue.js';
import { formatAnnouncement } from '../../../../streams/wire/entry.js';

const announced = (n: number): Announced => ({
  type: 'announced',
  announcement: { type: n % 2 === 0 ? 'joined' : 'left', nicks: [`n${n}`], count: 1 },
});
const after = (count: number) => {
  const waiting = deferredAnnouncements();
  for (let n = 0; n < count; n += 1) waiting.add(announced(n));
  const taken = waiting.takeAll().map(({ announcement }) => formatAnnouncement(announcement));
  expect(waiting.takeAll()).toStrictEqual([]);
  return taken;
};

test('announcements that the store does not take wait in order, with their nicks, while they are few', () => {
  expect(after(4)).toStrictEqual(['+n0', '-n1', '+n2', '-n3']);
  expect(after(16)).toHaveLength(16);
});

test('more of them are counted only, however many they are', () => {
  expect(after(17)).toStrictEqual(['-*8', '+*9']);
  expect(after(17 + 10_000).length).toBeLessThanOrEqual(16);
});
