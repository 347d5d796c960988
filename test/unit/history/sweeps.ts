import { find, prepare } from '../../../src/history/directory.js';
import { groupCommit } from '../../../src/history/groupCommit.js';
import { openStore } from '../../../src/history/openStore.js';
import { exceeding, type Retention } from '../../../src/history/retention.js';
import type { Store } from '../../../src/history/store.js';
import { storedLog } from '../../../src/history/storedLog.js';
import { sweep, type SweepOptions } from '../../../src/history/sweep.js';
import type { StoredLog } from '../../../streams/relay/history.js';

/** A store whose clock and sweeps are in a test's hands. */
export interface Swept {
  readonly store: Store;
  time: number;
  /** What sweeps reported. */
  readonly events: object[];
  readonly log: (room: string) => StoredLog;
  readonly steps: (keep: Retention, options?: Partial<SweepOptions>) => Iterator<unknown, void>;
  /** Sweeps; says in how many steps. */
  readonly sweep: (keep: Retention, options?: Partial<SweepOptions>) => number;
}

export const sweptStore = (path: string): Swept => {
  const dir = prepare(path);
  const store = openStore(dir, find(dir), { durability: 'os' });
  let sweeps = 0;
  const events: object[] = [];
  const commits = groupCommit({ store, goes: exceeding({}), now: () => swept.time });
  const swept: Swept = {
    store,
    time: 0,
    events,
    log: (room) =>
      storedLog({
        store,
        room,
        newId: () => room,
        commits,
        onDamage: () => undefined,
        sweeps: () => sweeps,
        isOpen: () => true,
      }),
    steps: (keep, options) =>
      sweep({
        store,
        keep,
        now: () => swept.time,
        time: () => swept.time,
        onTrimmed: () => (sweeps += 1),
        onEvent: (event) => events.push(event),
        onCounted: () => undefined,
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
