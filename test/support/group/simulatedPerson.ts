import { defer, EMPTY, finalize, ignoreElements, type Observable, type Subscription, tap, timer } from 'rxjs';
import type { ClientEvent } from '../../../streams/client/index.js';
import type { GroupClient, GroupRoomFixture, RunOptions, SharedStorage } from './groupClients.js';
import type { GroupPlan, GroupRun } from './groupSimulation.js';
import { createSharedStore, type SharedStore } from './sharedStore.js';

/** A process of a person's device. */
export interface Process {
  readonly person: Person;
  readonly client: GroupClient;
  readonly present: { readonly run: GroupRun; readonly subscription: Subscription } | undefined;
  /** Starts it from what the device has stored. */
  readonly run: (run: GroupRun, options: RunOptions, onEvent: (event: ClientEvent) => void) => void;
  /** Ends it. A process that does not crash stores what it read. */
  readonly end: (isCrash: boolean) => void;
}

export interface Person {
  readonly who: number;
  readonly key: string;
  readonly processes: readonly Process[];
  /** What a crash cannot lose. */
  readonly store: SharedStore;
  /** Whether it was removed, or left. It comes back only by an action `start`. */
  isOut: boolean;
}

type Running = 'running' | 'ending' | 'crashing';

/** Creates a person with a device that never ran. */
export const createPerson = (room: GroupRoomFixture, who: number, plan: GroupPlan): Person => {
  const store = createSharedStore();
  const createProcess = (slot: number): Process => {
    const client = room.client(`person-${who}-${slot}`, who + 1, { slot, forgetMs: plan.forgetMs });
    let present: Process['present'];
    let state: Running = 'running';

    const save: SharedStorage['save'] = (snapshot, order, slotRecord): Observable<unknown> =>
      defer(() => {
        let isStored = false;
        const keep = () => {
          if (!isStored && state !== 'crashing') store.replace(slot, snapshot, order, slotRecord);
          isStored = true;
        };
        if (state === 'running' && plan.saveMs > 0)
          // A process that ends waits for its last store.
          return timer(plan.saveMs).pipe(ignoreElements(), tap({ complete: keep }), finalize(keep));
        keep();
        return EMPTY;
      });
    const storage: SharedStorage = {
      get snapshot() {
        return store.snapshot;
      },
      get order() {
        return store.order;
      },
      get slotRecords() {
        return store.slotRecords;
      },
      save,
    };

    return {
      get person() {
        return person;
      },
      client,
      get present() {
        return present;
      },
      run: (run, options, onEvent) => {
        state = 'running';
        const subscription = client
          .run({ ...options, storage })
          .pipe(finalize(() => (present = undefined)))
          .subscribe({
            next: onEvent,
            error: (error: Error) => {
              state = 'ending';
              run.failure = error;
              person.isOut ||= error.name === 'RemovedError';
            },
          });
        present = subscription.closed ? undefined : { run, subscription };
      },
      end: (isCrash) => {
        state = isCrash ? 'crashing' : 'ending';
        present?.subscription.unsubscribe();
      },
    };
  };
  const processes = Array.from({ length: plan.processes }, (_, slot) => createProcess(slot));
  const person: Person = { who, key: processes[0]!.client.key, processes, store, isOut: false };
  return person;
};
