import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { formatBatch } from '../../../../streams/relay/cluster/batch.js';
import type { Anchor } from '../../../../streams/relay/cluster/findAnchor.js';
import { ledgerLog } from '../../../../streams/relay/cluster/ledgerLog.js';
import type { CachedRoom, LedgerRecord } from '../../../../streams/relay/cluster/ledger.js';
import { random } from '../../../fuzz/random.js';
import { type FakeEngine, fakeEngine } from '../../../support/fakeLedger.js';
import { fakeRecordCache } from '../../../support/fakeRecordCache.js';
import { faultyLedger, type LedgerFaults } from '../../../support/faultyLedger.js';
import { readToEnd } from '../../../support/readToEnd.js';
import { roomBatch } from '../../../support/roomBatches.js';
import { chooseSeed } from '../../../support/seed.js';
import { storeChain } from '../../../support/storedChain.js';

const ROOM = 'room';
const SEED = chooseSeed(19);

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

const scenario = fc.record({
  seed: fc.nat(1_000_000),
  batches: fc.integer({ min: 2, max: 100 }),
  hasVoids: fc.boolean(),
  /** Share of the records that the cache loses. */
  lost: fc.constantFrom(0, 0.02, 0.3),
  /** Share of the records that expire after they were cached. */
  expired: fc.constantFrom(0, 0.4),
  /** Share of the batches that the engine loses at its end, and instead of which relays write other ones. */
  rewritten: fc.constantFrom(0, 0, 0.3),
  faults: fc.constantFrom<LedgerFaults>({}, { failed: 0.02, stale: 0.5 }),
});

interface Opened {
  readonly engine: FakeEngine;
  readonly start: Anchor;
  readonly cached?: CachedRoom | undefined;
  readonly faults?: LedgerFaults;
  readonly seed?: number;
}

const openLog = ({ engine, start, cached, faults = {}, seed = 0 }: Opened) => {
  const chance = random(seed);
  const ledger = faultyLedger(engine.connect('relay'), {
    engine,
    random: () => chance.below(1 << 30) / (1 << 30),
    faults: () => faults,
  });
  return ledgerLog({ ledger, room: ROOM, id: 'log', start, cached });
};

describe('a log that is read through a cache', () => {
  test('is the same as without one, whatever the cache has lost, and the engine has lost or removed since', () => {
    fc.assert(
      fc.property(scenario, ({ seed, batches, hasVoids, lost, expired, rewritten, faults }) => {
        const dice = random(seed);
        const below = (n: number) => dice.below(n);
        const engine = fakeEngine();
        const { anchors, lines } = storeChain({ engine, room: ROOM, below, batches, hasVoids });
        const cached = fakeRecordCache(() => below(1000) < lost * 1000).open(ROOM);
        const open = (start: Anchor) => openLog({ engine, start, cached, faults, seed });
        readToEnd(open(anchors.at(-1) as Anchor), 1 + below(lines.length + 1));
        expect(engine.records(ROOM).map(withoutLink)).toEqual(
          expect.arrayContaining(cached.records().map(withoutLink)),
        );

        let end = anchors.at(-1) as Anchor;
        const stored = batches - Math.floor(batches * rewritten);
        if (stored < batches) {
          end = anchors[stored] as Anchor;
          engine.loseFrom(end.tail + 1);
          for (let n = stored; n < batches; n += 1) {
            const texts = Array.from({ length: below(5) }, (_, at) => `new${end.next + at}`);
            const bytes = formatBatch(
              roomBatch(texts, { previous: end.tail, first: end.next, number: 1000 + n }),
            );
            end = { tail: engine.store(ROOM, bytes), next: end.next + texts.length };
          }
          // A relay reads and caches a part of what was written.
          readToEnd(open(end), 1 + below(end.next));
        }
        const records = engine.records(ROOM);
        engine.dropBefore(ROOM, records[Math.floor(records.length * expired)]?.address ?? 0);

        for (let n = 0; n < 2; n += 1) {
          const position = 1 + below(end.next);
          const expected = readToEnd(openLog({ engine, start: end }), position);
          expect(readToEnd(open(end), position)).toStrictEqual(expected);
        }
      }),
      { numRuns: 60, seed: SEED },
    );
  });
});

const withoutLink = ({ address, bytes, previous }: LedgerRecord) => ({ address, bytes, previous });
