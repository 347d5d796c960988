import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RoomCheck } from '../../../../streams/relay/cluster/checkRoom.js';
import type { LedgerRecord } from '../../../../streams/relay/cluster/ledger.js';
import { random } from '../../../fuzz/random.js';
import { fakeEngine } from '../../../support/fakeLedger.js';
import { storeChain } from '../../../support/storedChain.js';

const check = (records: readonly LedgerRecord[], retainedFrom = 1) => {
  const room = new RoomCheck(records[0]?.address ?? 1, retainedFrom);
  for (const record of records) room.read(record);
  return room.finish();
};

/** A room that relays wrote that race, with records of others between. */
const storedRoom = (seed: number, batches: number) => {
  const engine = fakeEngine();
  const dice = random(seed);
  const below = (n: number) => dice.below(n);
  const { lines, anchors } = storeChain({ engine, room: 'room', below, batches, hasVoids: true });
  return { records: engine.records('room'), lines, anchors, below };
};

/** Faults apart from the records that were never batches. */
const faultsOf = (report: ReturnType<typeof check>) =>
  report.faults.filter(({ type }) => type !== 'unreadable');

const seeds = fc.integer({ min: 0, max: 2 ** 30 });

test('the check finds no fault in what racing relays wrote, and counts every entry', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 60 }), (seed, batches) => {
      const { records, lines } = storedRoom(seed, batches);
      const report = check(records);
      expect(faultsOf(report)).toStrictEqual([]);
      expect(report).toMatchObject({ entries: lines.length, batches, newLogs: 0 });
    }),
  );
});

test('the check finds no fault after any number of records has expired', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 3, max: 60 }), (seed, batches) => {
      const { records, below, anchors } = storedRoom(seed, batches);
      const from = 1 + below((anchors.at(-1)?.tail ?? 1) - 1);
      const report = check(
        records.filter(({ address }) => address >= from),
        from,
      );
      expect(faultsOf(report)).toStrictEqual([]);
      // The last batch is valid, whatever has expired.
      expect(report.batches).toBe(anchors.filter(({ tail }) => tail >= from).length);
    }),
  );
});

test('the check finds each batch that is missing, and the positions of its entries', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 3, max: 60 }), fc.boolean(), (seed, batches, isDamaged) => {
      const { records, lines, anchors, below } = storedRoom(seed, batches);
      const number = 2 + below(batches - 2);
      const [before, lost] = [anchors[number - 1], anchors[number]];
      if (before === undefined || lost === undefined) throw new Error('no such batch');
      const left = isDamaged
        ? records.map((each) =>
            each.address === lost.tail ? { ...each, bytes: each.bytes.map((b) => b ^ 1) } : each,
          )
        : records.filter(({ address }) => address !== lost.tail);
      const report = check(left);
      expect(faultsOf(report)).toMatchObject([
        lost.next > before.next
          ? { type: 'missing', count: 1, from: before.next, to: lost.next - 1 }
          : { type: 'missing', count: 1 },
      ]);
      expect(report.entries).toBe(lines.length - (lost.next - before.next));
    }),
  );
});
