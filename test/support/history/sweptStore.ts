import { inspectDirectory, initDirectory } from '../../../src/history/layout/directory.js';
import { transactionQueue } from '../../../src/history/transactionQueue.js';
import { openStore } from '../../../src/history/store/openStore.js';
import { exceedsRoomLimits, type Retention } from '../../../src/history/maintenance/retention.js';
import type { Store } from '../../../src/history/store/store.js';
import { storedLog } from '../../../src/history/storedLog.js';
import { sweep } from '../../../src/history/maintenance/sweep.js';
import type { SweepOptions } from '../../../src/history/maintenance/sweepRooms.js';
import type { StoredLog } from '../../../streams/relay/log/history.js';

/** A store whose clock and sweeps a test controls. */
export interface SweptStore {
  readonly store: Store;
  time: number;
  /** Events that sweeps reported. */
  readonly events: object[];
  readonly log: (room: string) => StoredLog;
  readonly steps: (keep: Retention, options?: Partial<SweepOptions>) => Iterator<unknown, void>;
  /** Sweeps, and returns the number of steps. */
  readonly sweep: (keep: Retention, options?: Partial<SweepOptions>) => number;
}

export const sweptStore = (path: string): SweptStore => {
  const dir = initDirectory(path);
  const store = openStore(dir, inspectDirectory(dir), { durability: 'os' });
  let sweeps = 0;
  const events: object[] = [];
  const commits = transactionQueue({ store, isExcess: exceedsRoomLimits({}), now: () => swept.time });
  const swept: SweptStore = {
    store,
    time: 0,
    events,
    log: (room) =>
      storedLog({
        store,
        room,
        newId: () => room,
        transactions: commits,
        onDamage: () => undefined,
        sweepCount: () => sweeps,
        isOpen: () => true,
      }),
    steps: (keep, options) =>
      sweep({
        store,
        retention: keep,
        now: () => swept.time,
        retentionTime: () => swept.time,
        onTrimmed: () => (sweeps += 1),
        onEvent: (event) => events.push(event),
        onAllRoomsVisited: () => undefined,
        isFull: () => false,
        ...options,
      }),
    sweep: (keep, options) => {
      const steps = swept.steps(keep, options);
      for (let taken = 0; ; taken += 1) if (steps.next().done === true) return taken;
    },
  };
  return swept;
};
