import { expect, test } from '@jest/globals';
import { expectEvent, expectOneGroup } from '../../../../bench/group/checks.mjs';

test('a handshake that members take in another way than expected ends the benchmark', () => {
  expect(() => expectEvent([{ type: 'rejected' }, { type: 'behind' }], 'epoch')).toThrow(
    'epoch expected, and not rejected, behind',
  );
  expect(() => expectEvent([], 'epoch')).toThrow('epoch expected, and not nothing');
  expect(() => expectEvent([{ type: 'handshake' }, { type: 'epoch' }], 'epoch')).not.toThrow();
});

const here = { code: '12345', members: 3 };

test('devices in one group have one code and the same number of members', () => {
  expect(() => expectOneGroup([here, here, here], 3)).not.toThrow();
});

test.each([
  ['did not join', [here, here]],
  ['did not join, and another did later', [here, undefined, here]],
  ['has another code', [here, here, { ...here, code: '54321' }]],
  ['misses a member', [here, { ...here, members: 2 }, here]],
])('a device that %s ends the benchmark', (_what, views) => {
  expect(() => expectOneGroup(views, 3)).toThrow('1 of 3 devices are not in the group of the others');
});

test('a group that nobody joined ends the benchmark', () => {
  expect(() => expectOneGroup([], 3)).toThrow('3 of 3 devices');
});
