import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { isBatch, parseBatch } from '../../../../streams/relay/cluster/batch.js';
import { type Chain, EMPTY_CHAIN, readRecord } from '../../../../streams/relay/cluster/chain.js';
import type { LedgerRecord } from '../../../../streams/relay/cluster/ledger.js';
import { openRoom, type RoomStart } from '../../../../streams/relay/cluster/openRoom.js';
import { random } from '../../../fuzz/random.js';
import { fakeEngine } from '../../../support/fakeLedger.js';
import { faultyLedger } from '../../../support/faultyLedger.js';
import { chooseSeed } from '../../../support/seed.js';
import { storeChain } from '../../../support/storedChain.js';

const ROOM = 'room';
const SEED = chooseSeed(41);

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Reads records by the rule of all readers, from a chain on. */
const readOn = (start: Chain, records: readonly LedgerRecord[]): Chain | string => {
  let chain = start;
  for (const record of records) {
    if (record.address <= start.read) continue;
    const step = readRecord(chain, record);
    if (step.type === 'fault') return step.fault;
    chain = step.chain;
  }
  return chain;
};

interface Scenario {
  readonly seed: number;
  readonly batches: number;
  /** Number of records that are left. */
  readonly left: number;
}

/** Stores a log with void batches, and removes all records but the newest. Returns what `openRoom` and the rule find. */
const open = ({ seed, batches, left }: Scenario, isStale: boolean) => {
  const generator = random(seed);
  const engine = fakeEngine();
  storeChain({ engine, room: ROOM, below: (n) => generator.below(n), batches, hasVoids: true });
  const all = engine.records(ROOM);
  engine.dropBefore(ROOM, all.at(-left)?.address ?? 0);
  const stored = engine.records(ROOM);
  const ledger = faultyLedger(engine.connect('relay'), {
    engine,
    random: () => generator.below(1 << 30) / (1 << 30),
    faults: () => (isStale ? { stale: 0.3, delayed: 0.2 } : {}),
  });
  const starts: RoomStart[] = [];
  openRoom(ledger, ROOM).subscribe((start) => starts.push(start));
  jest.advanceTimersByTime(60_000);
  const [start] = starts as [RoomStart];
  const truth = readOn({ ...EMPTY_CHAIN, openedAt: Infinity }, all) as Chain;
  const batchesLeft = stored.flatMap(({ address, bytes }) => {
    const batch = parseBatch(bytes);
    return isBatch(batch) && batch.previous > 0 ? [{ address, batch }] : [];
  });
  return { start, truth, stored, batchesLeft };
};

const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(1_000_000),
  batches: fc.integer({ min: 2, max: 60 }),
  left: fc.integer({ min: 1, max: 12 }),
});

describe('openRoom after any number of records of any log with void batches has expired', () => {
  test.each([false, true])('finds the end of the log, or that it is lost (stale reads: %j)', (isStale) => {
    let lost = 0;
    let found = 0;
    fc.assert(
      fc.property(scenario, (plan) => {
        const { start, truth, stored, batchesLeft } = open(plan, isStale);
        // Of one batch alone, nothing shows that it is void. An engine that checks the condition of an append has none.
        fc.pre(batchesLeft.length > 1 || batchesLeft[0]?.address === truth.tail);
        if (start.isLost) {
          // A log that begins there is read by everyone who reads what is stored.
          expect(start.chain.tail).toBe(stored.at(-1)?.address);
          lost += 1;
        } else {
          const { log, tail, next } = truth;
          expect(readOn({ ...start.chain, openedAt: Infinity }, stored)).toMatchObject({ log, tail, next });
          found += 1;
        }
      }),
      { numRuns: 300, seed: SEED },
    );
    expect(found).toBeGreaterThan(200);
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(100);
  });
});
