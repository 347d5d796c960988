import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { type Anchor, findAnchor } from '../../../../streams/relay/cluster/findAnchor.js';
import { ledgerLog } from '../../../../streams/relay/cluster/ledgerLog.js';
import type { Ledger } from '../../../../streams/relay/cluster/ledger.js';
import type { Gap } from '../../../../streams/relay/log/history.js';
import { random } from '../../../fuzz/random.js';
import { type FakeEngine, fakeEngine } from '../../../support/fakeLedger.js';
import { faultyLedger } from '../../../support/faultyLedger.js';
import { readToEnd } from '../../../support/readToEnd.js';
import { chooseSeed } from '../../../support/seed.js';
import { type StoredChain, storeChain } from '../../../support/storedChain.js';

const ROOM = 'room';
const SEED = chooseSeed(19);

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

interface Scenario {
  readonly seed: number;
  readonly batches: number;
  readonly hasVoids: boolean;
  /** Where the log begins in memory, from 0 to 1. */
  readonly start: number;
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(1_000_000),
  batches: fc.integer({ min: 1, max: 250 }),
  hasVoids: fc.boolean(),
  start: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** Stores a log and opens it at one of its places. */
const open = (
  { seed, batches, hasVoids, start }: Scenario,
  connect: (engine: FakeEngine) => Ledger = (engine) => engine.connect('relay'),
) => {
  const generator = random(seed);
  const below = (n: number) => generator.below(n);
  const engine = fakeEngine();
  const chain = storeChain({ engine, room: ROOM, below, batches, hasVoids });
  const anchor = chain.anchors[Math.floor(start * (chain.anchors.length - 1))] as Anchor;
  const log = ledgerLog({ ledger: connect(engine), room: ROOM, id: 'log', start: anchor });
  log.extend(chain.anchors.at(-1) as Anchor);
  return { engine, chain, log, below };
};

/** Returns the entries from a position on; those of the missing positions are gaps. */
const expectedFrom = ({ lines }: StoredChain, position: number, missing: (position: number) => boolean) => {
  const expected: (string | Gap)[] = [];
  for (let n = position; n <= lines.length; n += 1) {
    const last = expected.at(-1);
    if (!missing(n)) expected.push(lines[n - 1] as string);
    else if (typeof last === 'object' && last.to === n - 1)
      expected[expected.length - 1] = { from: last.from, to: n };
    else expected.push({ from: n, to: n });
  }
  return expected;
};
/** Joins gaps that follow each other. */
const joined = (read: readonly (string | Gap)[]): (string | Gap)[] => {
  const all: (string | Gap)[] = [];
  for (const each of read) {
    const last = all.at(-1);
    if (typeof each === 'object' && typeof last === 'object' && last.to === each.from - 1)
      all[all.length - 1] = { from: last.from, to: each.to };
    else all.push(each);
  }
  return all;
};

describe('findAnchor over any chain of batches with void records between', () => {
  test('finds a place of the chain that is not after the position, and is near if no record is void', () => {
    fc.assert(
      fc.property(scenario, (plan) => {
        const { engine, chain, below } = open(plan);
        const { tail, next } = chain.anchors.at(-1) as Anchor;
        const end = { tail: tail + 1, next };
        for (let n = 0; n < 5; n += 1) {
          const position = 1 + below(chain.lines.length + 1);
          const records = { ledger: engine.connect('reader'), room: ROOM, id: 'log' };
          const found: Anchor[] = [];
          findAnchor(records, position, { tail: 0, next: 1 }, end).subscribe((anchor) => found.push(anchor));
          jest.advanceTimersByTime(1000);
          const [anchor] = found as [Anchor];
          expect(chain.anchors).toContainEqual(anchor);
          expect(anchor.next).toBeLessThanOrEqual(position);
          if (!plan.hasVoids) expect(position - anchor.next).toBeLessThan(64);
        }
      }),
      { numRuns: 100, seed: SEED },
    );
  });
});

describe('ledgerLog over any chain of batches with void records between', () => {
  test('reads every entry from any position on, in any order of the readers', () => {
    fc.assert(
      fc.property(scenario, (plan) => {
        const { chain, log, below } = open(plan);
        for (let n = 0; n < 4; n += 1) {
          const position = 1 + below(chain.lines.length + 1);
          expect(readToEnd(log, position)).toStrictEqual(chain.lines.slice(position - 1));
        }
      }),
      { numRuns: 150, seed: SEED },
    );
  });

  test('reports what has expired as a gap, and raises its first position', () => {
    fc.assert(
      fc.property(scenario, (plan) => {
        const { engine, chain, log, below } = open(plan);
        const records = engine.records(ROOM);
        engine.dropBefore(ROOM, records[below(records.length)]?.address ?? 0);
        const oldest = engine.records(ROOM)[0]?.address ?? 0;
        const first = (chain.anchors.findLast(({ tail }) => tail < oldest) as Anchor).next;
        // Unless a batch is left, nothing shows what has expired.
        fc.pre(chain.anchors.some(({ tail }) => tail >= oldest));
        expect(joined(readToEnd(log, 1))).toStrictEqual(expectedFrom(chain, 1, (n) => n < first));
        expect(log.first).toBe(first);
      }),
      { numRuns: 150, seed: SEED },
    );
  });

  test('reports everything that was there as a gap if all records have expired', () => {
    fc.assert(
      fc.property(scenario, (plan) => {
        const { engine, chain, log } = open(plan);
        engine.dropBefore(ROOM, Infinity);
        fc.pre(chain.lines.length > 0);
        expect(readToEnd(log, 1)).toStrictEqual([{ from: 1, to: chain.lines.length }]);
      }),
      { numRuns: 20, seed: SEED },
    );
  });

  test('reports damaged entries as a gap, and reads those after it', () => {
    fc.assert(
      fc.property(scenario, (plan) => {
        const { engine, chain, log, below } = open({ ...plan, hasVoids: false });
        const at = below(plan.batches);
        // Before the first batch of a room, others may have expired. It counts only if the second one confirms it.
        fc.pre(at !== 1 && at < plan.batches - 1);
        const [before, after] = [chain.anchors[at] as Anchor, chain.anchors[at + 1] as Anchor];
        fc.pre(at < plan.batches - 1);
        engine
          .records(ROOM)
          .find(({ address }) => address === after.tail)
          ?.bytes.fill(0);
        const isDamaged = (n: number) => before.next <= n && n < after.next;
        expect(joined(readToEnd(log, 1))).toStrictEqual(expectedFrom(chain, 1, isDamaged));
      }),
      { numRuns: 100, seed: SEED },
    );
  });

  test('reads the same from a ledger that fails, is late, and lacks the newest records', () => {
    fc.assert(
      fc.property(scenario, (plan) => {
        const chance = random(plan.seed + 1);
        const { chain, log, below } = open(plan, (engine) =>
          faultyLedger(engine.connect('relay'), {
            engine,
            random: () => chance.below(1 << 30) / (1 << 30),
            faults: () => ({ failed: 0.1, delayed: 0.1, stale: 0.5 }),
          }),
        );
        const position = 1 + below(chain.lines.length + 1);
        expect(readToEnd(log, position)).toStrictEqual(chain.lines.slice(position - 1));
      }),
      { numRuns: 60, seed: SEED },
    );
  });
});
