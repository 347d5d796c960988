import { describe, expect, test } from '@jest/globals';
import { formatBatch, type RoomBatch } from '../../../../streams/relay/cluster/batch.js';
import { type Chain, chainBefore, EMPTY_CHAIN, readRecord } from '../../../../streams/relay/cluster/chain.js';
import { encodeText } from '../../../../streams/wire/encoding.js';
import { roomBatch } from '../../../support/roomBatches.js';

type Record = readonly [address: number, batch: RoomBatch | string];

/** Reads records. Returns what each one means, until a fault. */
const read = (records: readonly Record[], start: Chain = EMPTY_CHAIN) => {
  const steps: string[] = [];
  let chain = start;
  for (const [address, batch] of records) {
    const bytes = typeof batch === 'string' ? encodeText(batch) : formatBatch(batch);
    const step = readRecord(chain, { address, bytes });
    steps.push(step.type === 'fault' ? step.fault : step.type);
    if (step.type === 'fault') break;
    chain = step.chain;
  }
  return { steps, chain };
};

/** A batch of one line that follows an address. */
const after = (previous: number, first: number, more: Partial<RoomBatch> = {}) =>
  roomBatch(['+alice'], { previous, first, ...more });

describe('a batch in a chain', () => {
  test('is valid if it follows the last valid one', () => {
    const { steps, chain } = read([
      [3, after(0, 1)],
      [7, after(3, 2)],
    ]);
    expect(steps).toStrictEqual(['valid', 'valid']);
    expect(chain).toMatchObject({ log: 'log', tail: 7, read: 7, next: 3, sinceSnapshot: 2 });
  });

  test('is void if it follows another one, and so is what follows it', () => {
    const { steps, chain } = read([
      [1, after(0, 1)],
      [2, after(1, 2)],
      [3, after(1, 2)],
      [4, after(3, 3)],
      [5, after(2, 3)],
    ]);
    expect(steps).toStrictEqual(['valid', 'valid', 'void', 'void', 'valid']);
    expect(chain).toMatchObject({ tail: 5, next: 4 });
  });

  test('counts once if its writer appended it twice', () => {
    const { steps } = read([
      [1, after(0, 1)],
      [2, after(0, 1)],
    ]);
    expect(steps).toStrictEqual(['valid', 'void']);
  });

  test('is void if it is damaged', () => {
    const { steps, chain } = read([
      [1, after(0, 1)],
      [2, 'batch/1 noise'],
      [3, after(1, 2)],
    ]);
    expect(steps).toStrictEqual(['valid', 'void', 'valid']);
    expect(chain.read).toBe(3);
  });

  test.each<[string, string, Record]>([
    ['of a newer version', 'newer-version', [2, 'batch/2 noise']],
    ['of another log', 'other-log', [2, after(1, 2, { log: 'other' })]],
    ['at a later position', 'wrong-position', [2, after(1, 3)]],
    ['at an earlier position', 'wrong-position', [2, after(1, 1)]],
  ])('%s is a fault', (_, fault, record) => {
    expect(read([[1, after(0, 1)], record]).steps).toStrictEqual(['valid', fault]);
  });

  test('begins another log at position 1 if it is after the last batch of the former one', () => {
    const { steps, chain } = read([
      [1, after(0, 1)],
      [2, after(1, 1, { log: 'other', base: 1 })],
      [3, after(1, 1, { log: 'third', base: 1 })],
      [4, after(1, 2)],
      [5, after(2, 2, { log: 'other', base: 1 })],
    ]);
    expect(steps).toStrictEqual(['valid', 'valid', 'void', 'void', 'valid']);
    expect(chain).toMatchObject({ log: 'other', base: 1, tail: 5, next: 3 });
  });

  test.each<[string, string, RoomBatch]>([
    ['at another position', 'wrong-position', after(1, 2, { log: 'other', base: 1 })],
    ['after another batch than that', 'other-log', after(1, 1, { log: 'other', base: 0 })],
    ['with the id of the former one', 'other-log', after(1, 1, { base: 1 })],
  ])('that begins another log %s is a fault', (_, fault, batch) => {
    const records: Record[] = [
      [1, after(0, 1)],
      [2, batch],
    ];
    expect(read(records).steps).toStrictEqual(['valid', fault]);
  });

  test('continues a log after its records have expired, for readers that have read them and others', () => {
    const batch = after(0, 1025, { generation: 1 });
    expect(read([[7, batch]]).chain).toMatchObject({ log: 'log', tail: 7, next: 1026 });
    const records: Record[] = [
      [1, after(0, 1)],
      [2, after(1, 2)],
      [7, batch],
      [8, after(2, 3)],
    ];
    const { steps, chain } = read(records);
    expect(steps).toStrictEqual(['valid', 'valid', 'valid', 'void']);
    expect(chain).toMatchObject({ log: 'log', generation: 1, tail: 7, next: 1026 });
  });

  test.each<[string, RoomBatch]>([
    ['another log', after(0, 1025, { generation: 1, log: 'other' })],
    ['the same generation', after(0, 1025)],
    ['positions that were used', after(0, 2, { generation: 1 })],
  ])('that follows nothing is void if it has %s', (_, batch) => {
    const records: Record[] = [
      [1, after(0, 1)],
      [2, after(1, 2)],
      [7, batch],
    ];
    expect(read(records).steps.at(-1)).toBe('void');
  });

  test('decides the id of the log if it is the first one', () => {
    expect(read([[1, after(0, 1, { log: 'mine' })]]).chain.log).toBe('mine');
  });
});

describe('void batches that follow each other', () => {
  test('are a fault when there are three of them', () => {
    const { steps } = read([
      [1, after(0, 1)],
      [2, after(9, 2)],
      [3, after(2, 3)],
      [4, after(3, 4)],
    ]);
    expect(steps).toStrictEqual(['valid', 'void', 'void', 'wrong-branch']);
  });

  test('are a fault if valid ones lie between them', () => {
    const { steps } = read([
      [1, after(0, 1)],
      [2, after(9, 2)],
      [3, after(1, 2)],
      [4, after(2, 3)],
      [5, after(3, 3)],
      [6, after(4, 4)],
    ]);
    expect(steps).toStrictEqual(['valid', 'void', 'valid', 'void', 'valid', 'wrong-branch']);
  });

  test('are a fault if other void ones lie between them', () => {
    const { steps } = read([
      [1, after(0, 1)],
      [2, after(9, 2)],
      [3, after(8, 2)],
      [4, after(2, 3)],
      [5, after(3, 3)],
      [6, after(4, 4)],
    ]);
    expect(steps.at(-1)).toBe('wrong-branch');
  });

  test('are no fault if they were there when the room was opened', () => {
    const { steps } = read(
      [
        [1, after(0, 1)],
        [2, after(9, 2)],
        [3, after(2, 3)],
        [4, after(3, 4)],
        [5, after(4, 5)],
        [6, after(5, 5)],
        [7, after(6, 5)],
      ],
      { ...EMPTY_CHAIN, openedAt: 4 },
    );
    expect(steps).toStrictEqual(['valid', 'void', 'void', 'void', 'void', 'void', 'wrong-branch']);
  });

  test('are no fault if many of them follow a valid one', () => {
    const races = [3, 4, 5, 6].map((address): Record => [address, after(1, 2)]);
    expect(read([[1, after(0, 1)], [2, after(1, 2)], ...races]).steps).not.toContain('wrong-branch');
  });
});

test('a chain continues before a batch with a snapshot, and counts batches from there', () => {
  const batch = after(40, 12, { snapshot: [], snapshotAddress: 30 });
  const { steps, chain } = read(
    [
      [50, batch],
      [51, after(50, 13)],
    ],
    chainBefore(50, batch),
  );
  expect(steps).toStrictEqual(['valid', 'valid']);
  expect(chain).toMatchObject({ tail: 51, next: 14, snapshotAddress: 50, sinceSnapshot: 1 });
});
