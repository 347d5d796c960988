import { describe, expect, test } from '@jest/globals';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { formatBatch, parseBatch } from '../../../../streams/relay/cluster/batch.js';
import { crc32 } from '../../../../streams/relay/cluster/crc32.js';
import { decodeTextLossy, encodeText } from '../../../../streams/wire/encoding.js';
import { roomBatch, sharedMember } from '../../../support/roomBatches.js';
import { token } from '../../../support/wire.js';

const FULL = roomBatch(['+alice', token('x'), token('é')], {
  generation: 2,
  base: 5,
  previous: 17,
  first: 42,
  number: 3,
  snapshotAddress: 12,
  sinceSnapshot: 5,
  snapshot: [
    { member: sharedMember('bob'), key: 'bob', isAway: true, nick: 'Bob', owner: undefined },
    {
      member: sharedMember('carol', { owner: 'key' }),
      key: 'carol',
      isAway: false,
      nick: 'carol',
      owner: 'key',
    },
  ],
  changes: [
    { type: 'joined', member: sharedMember('alice'), key: 'alice', resumed: false },
    { type: 'away', member: sharedMember('carol', { owner: 'key' }) },
    { type: 'removed', member: sharedMember('dave') },
    { type: 'left', member: sharedMember('bob'), nick: 'Bob' },
  ],
  handoffs: [{ writer: 'other/2', number: 9 }],
});

/** The bytes of a batch whose head is replaced, with a valid checksum. */
const withHead = (head: unknown, body = ''): Uint8Array => {
  const content = `${typeof head === 'string' ? head : JSON.stringify(head)}\n${body}`;
  return encodeText(`batch/1 ${zlibCrc32(content).toString(16).padStart(8, '0')} ${content}`);
};

const headOf = (bytes: Uint8Array) =>
  JSON.parse(decodeTextLossy(bytes).split('\n')[0]!.slice(17)) as Record<string, unknown>;

describe('a batch', () => {
  test.each([
    ['with everything', FULL],
    ['without lines', roomBatch()],
    ['with lines alone', roomBatch([token('x')])],
  ])('%s is the same after formatting and parsing', (_, batch) => {
    expect(parseBatch(formatBatch(batch))).toStrictEqual(batch);
  });

  test('is damaged if any of its bytes is different', () => {
    const bytes = formatBatch(FULL);
    for (let at = 0; at < bytes.length; at += 1) {
      const copy = bytes.slice();
      copy[at]! ^= 4;
      // A changed version is a newer one, which is as unreadable.
      expect([at, parseBatch(copy)]).toStrictEqual([at, { type: at === 6 ? 'newer' : 'damaged' }]);
    }
  });

  test('is damaged if it is cut off anywhere', () => {
    const bytes = formatBatch(FULL);
    for (let length = 0; length < bytes.length; length += 1)
      expect(parseBatch(bytes.subarray(0, length))).toStrictEqual({ type: 'damaged' });
  });

  test.each(['batch/2 whatever', 'batch/10 ', 'batch/999999999 é'])(
    'of a newer version is not read: %s',
    (text) => {
      expect(parseBatch(encodeText(text))).toStrictEqual({ type: 'newer' });
    },
  );

  test.each<[string, Record<string, unknown>]>([
    ['a negative address', { previous: -1 }],
    ['an address that is no integer', { previous: 1.5 }],
    ['a position of 0', { first: 0 }],
    ['another number of lines', { count: 2 }],
    ['no log', { log: 7 }],
    ['no writer', { writer: null }],
    ['a change of an unknown type', { changes: [['grew', ['s', 'c', 'n']]] }],
    ['a change without a member', { changes: [['away']] }],
    ['changes that are no array', { changes: {} }],
    ['a join without a key', { changes: [['joined', ['s', 'c', 'n'], 1, true]] }],
    ['a snapshot of something else', { snapshot: [['n']] }],
    ['a handoff without a number', { handoffs: [['relay/1']] }],
  ])('with %s is damaged', (_, fields) => {
    const head = headOf(formatBatch(roomBatch(['+alice'])));
    expect(parseBatch(withHead(head, '+alice\n'))).toStrictEqual(roomBatch(['+alice']));
    expect(parseBatch(withHead({ ...head, ...fields }, '+alice\n'))).toStrictEqual({ type: 'damaged' });
  });

  test.each(['null', '[]', '"log"', '{', '', '7'])('with the head %j is damaged', (head) => {
    expect(parseBatch(withHead(head))).toStrictEqual({ type: 'damaged' });
  });

  test('whose last line is not complete is damaged', () => {
    const head = headOf(formatBatch(roomBatch(['+alice'])));
    expect(parseBatch(withHead(head, '+alice\n+bo'))).toStrictEqual({ type: 'damaged' });
  });
});

test('crc32 returns what zlib does', () => {
  for (const text of ['', 'a', '123456789', token('é').repeat(50)])
    expect(crc32(encodeText(text))).toBe(zlibCrc32(text));
});
