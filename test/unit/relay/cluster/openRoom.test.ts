import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { of } from 'rxjs';
import { formatBatch } from '../../../../streams/relay/cluster/batch.js';
import { openRoom, type RoomStart } from '../../../../streams/relay/cluster/openRoom.js';
import { fakeEngine } from '../../../support/fakeLedger.js';
import { roomBatch } from '../../../support/roomBatches.js';

const ROOM = 'room';

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

test('a room is opened at its snapshot, although batches follow the one that was the last', () => {
  const engine = fakeEngine();
  const first = engine.store(ROOM, formatBatch(roomBatch(['a'], { snapshot: [] })));
  const [last] = engine.records(ROOM);
  let tail = first;
  for (const [n, line] of ['b', 'c', 'd'].entries())
    tail = engine.store(
      ROOM,
      formatBatch(roomBatch([line], { previous: tail, first: n + 2, snapshotAddress: first })),
    );

  const starts: RoomStart[] = [];
  const ledger = { ...engine.connect('relay'), last: () => of(last) };
  openRoom(ledger, ROOM).subscribe((start) => starts.push(start));
  jest.advanceTimersByTime(60_000);
  // Beginning at a later batch would lose the members of the first one.
  expect(starts).toMatchObject([{ isLost: false, chain: { read: first - 1, tail: 0 } }]);
});
