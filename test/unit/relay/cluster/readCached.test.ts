import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { formatBatch, type RoomBatch } from '../../../../streams/relay/cluster/batch.js';
import type { Anchor } from '../../../../streams/relay/cluster/findAnchor.js';
import type { Ledger } from '../../../../streams/relay/cluster/ledger.js';
import { ledgerLog } from '../../../../streams/relay/cluster/ledgerLog.js';
import { takeRun } from '../../../../streams/relay/cluster/readCached.js';
import { fakeEngine } from '../../../support/fakeLedger.js';
import { fakeRecordCache } from '../../../support/fakeRecordCache.js';
import { readToEnd } from '../../../support/readToEnd.js';
import { roomBatch } from '../../../support/roomBatches.js';

const ROOM = 'room';

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A room of batches of one line of 10 000 characters, of which a relay has read and cached all. */
const cachedRoom = (batches = 300) => {
  const engine = fakeEngine();
  const cached = fakeRecordCache().open(ROOM);
  const lines: string[] = [];
  const anchors: Anchor[] = [{ tail: 0, next: 1 }];
  const append = (line: string, more: Partial<Omit<RoomBatch, 'lines'>> = {}) => {
    const { tail, next } = anchors.at(-1) as Anchor;
    const bytes = formatBatch(roomBatch([line], { previous: tail, first: next, ...more }));
    anchors.push({ tail: engine.store(ROOM, bytes), next: next + 1 });
    lines.push(line);
  };
  for (let n = 1; n <= batches; n += 1) append(`${n}`.padEnd(10_000, '.'));
  const reads: number[] = [];
  const ledger = engine.connect('relay');
  const read: Ledger['read'] = (room, address, options) => {
    reads.push(address);
    return ledger.read(room, address, options);
  };
  const open = (readFrom: Ledger['read'] = read) =>
    ledgerLog({ ledger: { read: readFrom }, room: ROOM, id: 'log', start: anchors.at(-1) as Anchor, cached });
  readToEnd(open(), 1);
  reads.length = 0;
  return { engine, ledger, cached, lines, anchors, append, open, reads };
};

describe('a log whose records are cached', () => {
  test('reads two records of the engine for each MiB', () => {
    const { open, lines, reads } = cachedRoom();
    expect(readToEnd(open(), 1)).toStrictEqual(lines);
    expect(reads).toStrictEqual([1, 103, 104, 205, 206, 300]);
  });

  test('begins near the position', () => {
    const { open, lines, reads } = cachedRoom();
    expect(readToEnd(open(), 200)).toStrictEqual(lines.slice(199));
    expect(reads.length).toBeLessThanOrEqual(4);
    expect(Math.min(...reads)).toBeGreaterThan(100);
  });

  test('continues in the engine where the cache ends, and caches that', () => {
    const { open, lines, append, cached, reads } = cachedRoom(20);
    for (let n = 0; n < 20; n += 1) append(`new ${n}`);
    expect(readToEnd(open(), 1)).toStrictEqual(lines);
    expect(cached.records().map(({ address }) => address)).toStrictEqual(lines.map((_, n) => n + 1));
    reads.length = 0;
    expect(readToEnd(open(), 1)).toStrictEqual(lines);
    expect(reads).toStrictEqual([1, 40]);
  });

  test('caches the batches by which it grows, each linked to the one before', () => {
    const { engine, append, anchors, cached, open } = cachedRoom(2);
    const log = open();
    for (const text of ['one', 'two']) {
      append(text);
      log.extend(anchors.at(-1) as Anchor, engine.records(ROOM).at(-1));
    }
    const links = cached.records().map(({ previousChecksum }) => previousChecksum !== undefined);
    // The batch before the first one that it has grown by was not read.
    expect(links).toStrictEqual([false, true, false, true]);
  });

  test('does not show expired records, and removes them from the cache', () => {
    const { engine, open, lines, cached } = cachedRoom(50);
    engine.dropBefore(ROOM, 31);
    expect(readToEnd(open(), 1)).toStrictEqual([{ from: 1, to: 30 }, ...lines.slice(30)]);
    expect(cached.records()[0]?.address).toBe(31);
  });

  test.each([
    { what: 'at the first address', address: 1 },
    { what: 'at the last address', address: 50 },
  ])('shows nothing of the cache if the engine has another record $what, and empties it', ({ address }) => {
    const { engine, open, cached } = cachedRoom(50);
    const bytes = engine.records(ROOM)[address - 1]?.bytes as Uint8Array;
    const isFirst = address === 1;
    const other = formatBatch(
      roomBatch(['other'.padEnd(9000, '.')], {
        previous: isFirst ? 0 : 49,
        first: isFirst ? 1 : 50,
        number: 999,
      }),
    );
    bytes.set(other.subarray(0, bytes.length));
    const before = cached.records().length;
    readToEnd(open(), 1);
    expect(before).toBe(50);
    // What it has read since from the engine.
    expect(
      cached
        .records()
        .every((each) =>
          each.bytes.every((b, at) => b === engine.records(ROOM)[each.address - 1]?.bytes[at]),
        ),
    ).toBe(true);
  });

  test('reads from the engine if its replica is behind, and keeps the cache', () => {
    const { ledger, open, lines, cached } = cachedRoom(50);
    let isBehind = true;
    const behind: Ledger['read'] = (room, address, options) => {
      const isHidden = isBehind && options?.isFresh !== true && address > 40;
      if (address === 50) isBehind = false;
      return ledger.read(room, isHidden ? 1000 : address, options);
    };
    expect(readToEnd(open(behind), 1)).toStrictEqual(lines);
    expect(cached.records()).toHaveLength(50);
  });

  test('removes its cached records if the records contradict each other', () => {
    const { open, cached } = cachedRoom(5);
    open().forgetCached();
    expect(cached.records()).toStrictEqual([]);
  });
});

describe('takeRun', () => {
  const options = { id: 'log', anchor: { tail: 0, next: 1 }, position: 1 };
  const positionsOf = (records: Parameters<typeof takeRun>[0], more: Partial<typeof options> = {}) =>
    takeRun(records, { ...options, ...more })?.blocks.map(({ block: { first, next } }) => [first, next]);

  test('makes blocks of about 256 KiB, with the anchor after each', () => {
    const run = takeRun(cachedRoom(60).cached.records(), options);
    expect(run?.blocks.map(({ block, anchor }) => [block.first, block.next, anchor])).toStrictEqual([
      [1, 28, { tail: 27, next: 28 }],
      [28, 55, { tail: 54, next: 55 }],
      [55, 61, { tail: 60, next: 61 }],
    ]);
    expect([run?.first.address, run?.last.address, run?.end]).toStrictEqual([1, 60, { tail: 60, next: 61 }]);
  });

  test('ends before a record that is missing, not linked, linked to another one, or of another log', () => {
    const records = cachedRoom(5).cached.records();
    const changed = (at: number, change: object) =>
      records.map((each) => (each.address === at ? { ...each, ...change } : each));
    expect(positionsOf(records.filter(({ address }) => address !== 3))).toStrictEqual([[1, 3]]);
    expect(positionsOf(changed(3, { previousChecksum: undefined }))).toStrictEqual([[1, 3]]);
    expect(positionsOf(changed(3, { previousChecksum: 1 }))).toStrictEqual([[1, 3]]);
    expect(positionsOf(records, { id: 'other' })).toBeUndefined();
  });

  test('has nothing if the position is not in the cache', () => {
    const records = cachedRoom(5).cached.records();
    expect(positionsOf(records, { position: 6 })).toBeUndefined();
    expect(positionsOf([])).toBeUndefined();
  });

  test('begins after the record of the anchor, if that is the one before', () => {
    const records = cachedRoom(5).cached.records();
    const from = (anchor: Anchor) =>
      positionsOf(records.slice(anchor.tail - 1), { anchor, position: anchor.next });
    expect(from({ tail: 2, next: 3 })).toStrictEqual([[3, 6]]);
    expect(from({ tail: 2, next: 4 })).toBeUndefined();
  });
});
