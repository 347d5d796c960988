import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { concatMap, from, map, Observable, tap, throwError, timer, toArray } from 'rxjs';
import { BlockCache } from '../../../../streams/relay/cluster/blockCache.js';
import { FetchQueue } from '../../../../streams/relay/cluster/fetchQueue.js';
import type { Anchor } from '../../../../streams/relay/cluster/findAnchor.js';
import type { Ledger, LedgerRecord } from '../../../../streams/relay/cluster/ledger.js';
import { ledgerLog } from '../../../../streams/relay/cluster/ledgerLog.js';
import type { ReadableLog } from '../../../../streams/relay/log/history.js';
import { random } from '../../../fuzz/random.js';
import { fakeEngine } from '../../../support/fakeLedger.js';
import { storeChain } from '../../../support/storedChain.js';
import { splitLines } from '../../../support/wire.js';

const ROOM = 'room';

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

interface Options {
  readonly batches?: number;
  readonly hasVoids?: boolean;
  readonly lineLength?: number;
  readonly cache?: BlockCache;
  readonly fetches?: FetchQueue;
  /** Replaces `read` of the ledger. */
  readonly intercept?: (read: Ledger['read']) => Ledger['read'];
}

/** Expects that a position that is not in memory is there after a while. */
const expectFound = (log: ReadableLog, position: number): void => {
  const found = log.read(position);
  if (found === undefined || !('ready$' in found)) throw new Error('there is nothing in memory');
  found.ready$.subscribe();
  jest.advanceTimersByTime(1000);
  expect(log.read(position)).toHaveProperty('bytes');
};

/** Stores a log, and opens it at its end. `reads` counts the reads of the ledger. */
const open = ({
  batches = 1000,
  hasVoids = false,
  lineLength = 800,
  cache,
  fetches,
  intercept,
}: Options = {}) => {
  const generator = random(1);
  const engine = fakeEngine();
  const chain = storeChain({
    engine,
    room: ROOM,
    below: (n) => generator.below(n),
    batches,
    hasVoids,
    lineLength,
  });
  const ledger = engine.connect('relay');
  const count = { reads: 0 };
  const read: Ledger['read'] = (...call) => ledger.read(...call);
  const readLedger: Ledger['read'] = (...call) => {
    count.reads += 1;
    return (intercept?.(read) ?? read)(...call);
  };
  const log = ledgerLog({
    ledger: { read: readLedger },
    room: ROOM,
    id: 'log',
    start: chain.anchors.at(-1) as Anchor,
    ...(cache && { cache }),
    ...(fetches && { fetches }),
  });
  return { engine, chain, log, count };
};

/** A reader that reads on by itself. `lines` are those that it has read. */
const startReader = (log: ReadableLog, from: number) => {
  const lines: string[] = [];
  let position = from;
  const readOn = () => {
    for (;;) {
      const found = log.read(position);
      if (found === undefined) return;
      if ('ready$' in found) {
        found.ready$.subscribe({ complete: readOn });
        return;
      }
      if (!('bytes' in found)) throw new Error('a gap');
      lines.push(...splitLines(found.bytes));
      position += found.count;
    }
  };
  readOn();
  return lines;
};

describe('ledgerLog', () => {
  test('reads once for all readers of the same entries', () => {
    const { chain, log, count } = open({ batches: 100 });
    const readers = Array.from({ length: 50 }, (_, n) => startReader(log, 1 + n));
    jest.advanceTimersByTime(100);
    for (const [n, lines] of readers.entries()) expect(lines).toStrictEqual(chain.lines.slice(n));
    expect(count.reads).toBeLessThan(10);
  });

  test('serves a reader of a few entries before another one has read everything', () => {
    const { chain, log } = open();
    const long = startReader(log, 1);
    const short = startReader(log, chain.lines.length - 10);
    for (let ms = 0; short.length < 11 && ms < 1000; ms += 1) jest.advanceTimersByTime(1);
    expect(short).toStrictEqual(chain.lines.slice(-11));
    expect(long.length).toBeLessThan(chain.lines.length / 2);
    jest.advanceTimersByTime(1000);
    expect(long).toStrictEqual(chain.lines);
  });

  test.each([false, true])('finds a position with few reads (void records: %j)', (hasVoids) => {
    const { chain, log, count } = open({ batches: 5000, hasVoids, lineLength: 1 });
    expectFound(log, Math.floor(chain.lines.length / 3));
    expect(count.reads).toBeLessThan(40);
  });

  test('finds a position of a room that is written evenly with very few reads', () => {
    const { chain, log, count } = open({ batches: 20_000, lineLength: 1 });
    expectFound(log, Math.floor(chain.lines.length / 3));
    expect(count.reads).toBeLessThan(8);
  });

  test('reads the following entries without searching again', () => {
    const { chain, log, count } = open();
    const lines = startReader(log, 1);
    jest.advanceTimersByTime(1000);
    expect(lines).toStrictEqual(chain.lines);
    // About 256 KiB each.
    expect(count.reads).toBeLessThan((chain.lines.length * 801) / 200_000 + 3);
  });

  test('asks for twice as much each time that a reader goes on', () => {
    const sizes: (number | undefined)[] = [];
    const { chain, log } = open({
      batches: 2000,
      intercept:
        (read) =>
        (...call) => {
          sizes.push(call[2]?.maxBytes);
          return read(...call);
        },
    });
    const lines = startReader(log, 1);
    jest.advanceTimersByTime(1000);
    expect(lines).toStrictEqual(chain.lines);
    expect(sizes.slice(0, 4)).toStrictEqual([262_144, 524_288, 1_048_576, 1_048_576]);
  });

  test('a reader gets entries while later ones of the same read arrive', () => {
    let arrived = 0;
    const { chain, log } = open({
      intercept: (read) => (room, address) =>
        read(room, address).pipe(
          toArray(),
          concatMap((all) => from(all)),
          concatMap((record) => timer(1).pipe(map(() => record))),
          tap(() => (arrived += 1)),
        ),
    });
    const lines = startReader(log, 1);
    while (lines.length === 0) jest.advanceTimersByTime(1);
    expect(arrived).toBeLessThan(400);
    jest.advanceTimersByTime(10_000);
    expect(lines).toStrictEqual(chain.lines);
  });

  test('the readers of many rooms take turns', () => {
    const fetches = new FetchQueue();
    let underWay = 0;
    let most = 0;
    const rooms = Array.from({ length: 40 }, () =>
      open({
        fetches,
        batches: 400,
        intercept:
          (read) =>
          (...call) =>
            new Observable((subscriber) => {
              underWay += 1;
              most = Math.max(most, underWay);
              subscriber.add(() => (underWay -= 1));
              subscriber.add(read(...call).subscribe(subscriber));
            }),
      }),
    );
    const readers = rooms.map(({ log }) => startReader(log, 1));
    jest.advanceTimersByTime(5000);
    for (const [n, lines] of readers.entries()) expect(lines).toStrictEqual(rooms[n]?.chain.lines);
    expect([most, underWay]).toStrictEqual([16, 0]);
  });

  test('keeps no more in memory than its cache and one block', () => {
    const cache = new BlockCache(1_000_000);
    const { log } = open({ cache });
    startReader(log, 1);
    for (let ms = 0; ms < 200; ms += 1) {
      jest.advanceTimersByTime(1);
      expect(cache.byteLength).toBeLessThan(1_300_000);
    }
    expect(cache.byteLength).toBeGreaterThan(700_000);
  });

  test('repeats a failed read until it succeeds', () => {
    let failures = 3;
    const { chain, log } = open({
      batches: 20,
      intercept:
        (read) =>
        (...call): Observable<LedgerRecord> =>
          (failures -= 1) >= 0 ? throwError(() => new Error('no answer')) : read(...call),
    });
    const lines = startReader(log, 1);
    jest.advanceTimersByTime(1400);
    expect(lines).toStrictEqual([]);
    jest.advanceTimersByTime(200);
    expect(lines).toStrictEqual(chain.lines);
  });

  test('reports a gap only after the engine has shown nothing three times', () => {
    const { engine, chain, log } = open({ batches: 20 });
    engine.dropBefore(ROOM, Infinity);
    const found = log.read(1);
    if (found === undefined || !('ready$' in found)) throw new Error('there is nothing in memory');
    found.ready$.subscribe();
    jest.advanceTimersByTime(900);
    expect(log.read(1)).toHaveProperty('ready$');
    jest.advanceTimersByTime(200);
    expect(log.read(1)).toStrictEqual({ from: 1, to: chain.lines.length });
    expect(log.first).toBe(log.next);
  });

  test('stops reading when nobody waits any more, and reads again for the next reader', () => {
    let emitted = 0;
    const { chain, log, count } = open({
      batches: 20,
      intercept:
        (read) =>
        (...call) =>
          read(...call).pipe(tap(() => (emitted += 1))),
    });
    const found = log.read(1);
    if (found === undefined || !('ready$' in found)) throw new Error('there is nothing in memory');
    expect(count.reads).toBe(0);
    const subscriptions = [found.ready$.subscribe(), found.ready$.subscribe()];
    for (const each of subscriptions) each.unsubscribe();
    jest.advanceTimersByTime(1000);
    expect([count.reads, emitted]).toStrictEqual([1, 0]);
    const lines = startReader(log, 1);
    jest.advanceTimersByTime(1000);
    expect(lines).toStrictEqual(chain.lines);
  });
});
