import { describe, expect, test } from '@jest/globals';
import { formatBatch, type RoomBatch } from '../../../../streams/relay/cluster/batch.js';
import { RoomCheck } from '../../../../streams/relay/cluster/checkRoom.js';
import { encodeText } from '../../../../streams/wire/encoding.js';
import { roomBatch } from '../../../support/roomBatches.js';

type Record = readonly [address: number, batch: RoomBatch | string];

const check = (records: readonly Record[], retainedFrom = 1) => {
  const room = new RoomCheck(records[0]?.[0] ?? 1, retainedFrom);
  for (const [address, batch] of records)
    room.read({ address, bytes: typeof batch === 'string' ? encodeText(batch) : formatBatch(batch) });
  return room.finish();
};

/** A batch of one line that follows an address. */
const after = (previous: number, first: number, more: Partial<RoomBatch> = {}) =>
  roomBatch(['+alice'], { previous, first, ...more });

describe('the check of a room', () => {
  test('counts entries, valid and void batches', () => {
    const report = check([
      [1, after(0, 1)],
      [3, after(1, 2)],
      [4, after(1, 2)],
      [7, roomBatch(['a', 'b'], { previous: 3, first: 3 })],
    ]);
    expect(report).toStrictEqual({ entries: 4, batches: 3, voidBatches: 1, newLogs: 0, faults: [] });
    expect(check([])).toStrictEqual({ entries: 0, batches: 0, voidBatches: 0, newLogs: 0, faults: [] });
  });

  test('finds no fault if the predecessor of the oldest batch has expired, and that batch is void', () => {
    const records: readonly Record[] = [
      [5, after(2, 8)],
      [6, after(4, 10)],
      [7, after(6, 11)],
    ];
    expect(check(records, 5)).toMatchObject({ entries: 2, batches: 2, voidBatches: 1, faults: [] });
  });

  test.each<[string, readonly Record[], object]>([
    [
      'a predecessor that has not expired is missing',
      [[5, after(4, 10)]],
      { type: 'missing', address: 5, count: 1 },
    ],
    [
      'a batch between others is missing',
      [
        [1, after(0, 1)],
        [4, after(3, 5)],
        [5, after(4, 6)],
      ],
      { type: 'missing', address: 4, count: 1, from: 2, to: 4 },
    ],
    [
      'a batch is missing, and a void one is in its place',
      [
        [1, after(0, 1)],
        [3, after(1, 2)],
        [4, after(2, 3)],
        [5, after(4, 4)],
      ],
      { type: 'missing', address: 4, count: 1, from: 2, to: 2 },
    ],
    [
      'a batch follows a void one',
      [
        [1, after(0, 1)],
        [2, after(1, 2)],
        [3, after(1, 2)],
        [4, after(3, 3)],
      ],
      { type: 'wrong-branch', address: 4, count: 1 },
    ],
    [
      'a position is wrong',
      [
        [1, after(0, 1)],
        [2, after(1, 3)],
      ],
      { type: 'wrong-position', address: 2, count: 1 },
    ],
    [
      'a batch of another log follows',
      [
        [1, after(0, 1)],
        [2, after(1, 2, { log: 'other' })],
      ],
      { type: 'other-log', address: 2, count: 1 },
    ],
    [
      'the snapshot is missing',
      [
        [1, after(0, 1, { snapshot: [] })],
        [2, after(1, 2, { snapshotAddress: 1 })],
        [9, after(2, 3, { snapshotAddress: 7 })],
      ],
      { type: 'snapshot', address: 9, count: 1 },
    ],
    ['a record is damaged', [[1, 'batch/1 noise']], { type: 'unreadable', address: 1, count: 1 }],
    [
      'a newer version wrote the room',
      [
        [1, 'batch/2 a'],
        [2, 'batch/2 b'],
      ],
      { type: 'newer-version', address: 1, count: 1 },
    ],
  ])('finds that %s', (_, records, fault) => {
    expect(check(records).faults).toMatchObject([fault]);
    expect(check(records).faults).toHaveLength(1);
  });

  test('reads on after a missing batch, and counts each one', () => {
    const { entries, faults } = check([
      [1, after(0, 1)],
      [4, after(3, 3)],
      [5, after(4, 4)],
      [9, after(8, 6)],
    ]);
    expect(entries).toBe(4);
    expect(faults).toMatchObject([{ type: 'missing', address: 4, count: 2, from: 2, to: 5 }]);
  });

  test('finds no fault in a log that relays began because the engine had lost the end of the former one', () => {
    const report = check([
      [1, after(0, 1)],
      [2, after(9, 7)],
      [3, after(1, 1, { log: 'other', generation: 1, base: 1 })],
      [4, after(3, 2, { log: 'other', generation: 1, base: 1 })],
    ]);
    expect(report).toStrictEqual({ entries: 3, batches: 3, voidBatches: 1, newLogs: 1, faults: [] });
  });

  test('finds no fault if the snapshot has expired', () => {
    expect(check([[5, after(4, 2, { snapshotAddress: 2 })]], 5).faults).toStrictEqual([]);
  });

  test('asks whether the positions of the last log are reserved, unless it has its first batch only', () => {
    const finish = (records: readonly Record[], end: number) => {
      const room = new RoomCheck(1, 1);
      for (const [address, batch] of records) room.read({ address, bytes: formatBatch(batch as RoomBatch) });
      return room.finish((log, next) => log === 'log' && next <= end).faults;
    };
    const records: readonly Record[] = [
      [1, after(0, 1)],
      [2, after(1, 2)],
    ];
    expect(finish(records, 3)).toStrictEqual([]);
    expect(finish(records, 2)).toStrictEqual([{ type: 'reservation', address: 2, count: 1 }]);
    expect(finish(records.slice(0, 1), 0)).toStrictEqual([]);
    expect(finish([], 0)).toStrictEqual([]);
  });
});
