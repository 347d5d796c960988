import { describe, expect, test } from '@jest/globals';
import {
  addFinding,
  describeDamage,
  describeResult,
  EMPTY_RESULT,
  isDamage,
} from '../../../../../src/cli/commands/store/checkReport.js';
import type { StoreFinding } from '../../../../../src/nats/checkStore.js';

type RoomFinding = Extract<StoreFinding, { readonly type: 'room' }>;

const room = (more: Partial<RoomFinding> = {}): RoomFinding => ({
  type: 'room',
  stream: 'RX0',
  room: 'ROOM',
  entries: 5,
  batches: 3,
  voidBatches: 1,
  newLogs: 0,
  bytes: 100,
  faults: [],
  differences: [],
  ...more,
});

const stream = (compared: readonly string[], uncompared: readonly string[] = []): StoreFinding => ({
  type: 'stream',
  stream: 'RX0',
  compared,
  uncompared,
});

const resultOf = (...findings: readonly StoreFinding[]) => findings.reduce(addFinding, EMPTY_RESULT);

describe('the result of a check', () => {
  test('adds what streams and rooms have', () => {
    const result = resultOf(room(), room({ entries: 1 }), stream(['b', 'a']), stream(['a', 'b']));
    expect(result).toMatchObject({ intact: true, rooms: 2, damagedRooms: 0, entries: 6, bytes: 200 });
    expect(describeResult('a:4222', result)).toBe(
      'the store at a:4222 is intact: 2 rooms, 6 entries, 200 bytes, the same on a, b',
    );
  });

  test('names servers that did not answer', () => {
    const result = resultOf(room(), stream(['a'], ['b']));
    expect(describeResult('a:4222', result)).toBe(
      'the store at a:4222 is intact: 1 room, 5 entries, 100 bytes; b did not answer: start it, and check again',
    );
  });

  test('counts damage', () => {
    const damaged = room({ differences: [{ server: 'a', records: 1, address: 7 }] });
    const result = resultOf(room(), damaged, { type: 'missing-stream', stream: 'RX1' });
    expect(result).toMatchObject({ intact: false, damagedRooms: 1, missingStreams: 1 });
    expect(describeResult('a:4222', result)).toBe(
      'the store at a:4222 is damaged: 1 of 2 rooms, and 1 stream missing',
    );
  });
});

describe('a line about damage', () => {
  const describeRoom = (more: Partial<RoomFinding>) => {
    const damaged = room(more);
    if (!isDamage(damaged)) throw new Error('no damage');
    return describeDamage(damaged);
  };

  test('says which server to copy again', () => {
    expect(describeRoom({ differences: [{ server: 'a', records: 3, address: 17 }] })).toBe(
      'room ROOM is damaged: the server a differs from the others in 3 records, the first at 17: ' +
        'stop a, remove its store_dir and start it again, one server at a time',
    );
  });

  test('says that only a backup has what is missing on all servers', () => {
    const advice = 'the relays go on without what is missing; only a backup has it';
    expect(
      describeRoom({
        faults: [
          { type: 'unreadable', address: 3, count: 2 },
          { type: 'missing', address: 4, count: 1, from: 5, to: 9 },
        ],
      }),
    ).toBe(`room ROOM is damaged: 2 records cannot be read; entries 5 to 9 are missing: ${advice}`);
    expect(describeRoom({ faults: [{ type: 'missing', address: 4, count: 1 }] })).toContain(
      '1 batch missing',
    );
    expect(describeRoom({ faults: [{ type: 'snapshot', address: 4, count: 1 }] })).toContain(
      'list of members',
    );
    expect(describeRoom({ faults: [{ type: 'wrong-branch', address: 4, count: 1 }] })).toContain('different');
    expect(describeRoom({ faults: [{ type: 'other-log', address: 4, count: 1 }] })).toContain('contradicts');
  });

  test('says to update if a newer version wrote the room', () => {
    expect(describeRoom({ faults: [{ type: 'newer-version', address: 3, count: 1 }] })).toBe(
      'room ROOM is damaged: a newer version wrote it: update rxchat here, and check again',
    );
  });

  test('names a missing stream', () => {
    expect(describeDamage({ type: 'missing-stream', stream: 'RX1' })).toMatch(
      /^the stream RX1 is missing with its rooms/,
    );
    expect(describeDamage({ type: 'missing-stream', stream: 'RXRESERVATIONS' })).toBe(
      'the stream RXRESERVATIONS is missing: start a relay, which creates it',
    );
  });

  test('says what is wrong with reservations, of a room and of all', () => {
    const advice = 'a relay reserves them with the next message of the room';
    expect(describeRoom({ faults: [{ type: 'reservation', address: 3, count: 1 }] })).toBe(
      `room ROOM is damaged: its last positions are not reserved: ${advice}`,
    );
    const stream = 'RXRESERVATIONS';
    const intact = { type: 'reservations', stream, unreadable: 0, differences: [] } as const;
    expect(isDamage(intact)).toBe(false);
    expect(resultOf(intact)).toMatchObject({ intact: true, rooms: 0 });
    const damaged = { ...intact, unreadable: 2, differences: [{ server: 'a', records: 1, address: 7 }] };
    expect(isDamage(damaged)).toBe(true);
    expect(resultOf(damaged)).toMatchObject({ intact: false, damagedRooms: 0 });
    expect(describeDamage(damaged)).toBe(
      'the stream RXRESERVATIONS is damaged: the server a differs from the others in 1 record, the first at 7; ' +
        `2 records cannot be read: stop a, remove its store_dir and start it again, one server at a time; ${advice}`,
    );
  });
});
