import type { Observable } from 'rxjs';
import type { Resume } from '../../wire/fields.js';
import type { GroupEngine, GroupInfo } from './engine.js';
import type { GroupState } from './groupState.js';
import { canSave } from './persistState.js';
import { formatSnapshot } from './savedState.js';
import { formatSlotRecord } from './slotRecord.js';
import { orderAfter, type SnapshotOrder } from './snapshotOrder.js';

/** Stores the state of a group as snapshots, each with the position where the next run reads on. */
export interface SnapshotSaver<State, Info extends GroupInfo> {
  /** Stores a state. Completes and errors as the `save` of the options. */
  readonly save: (state: GroupState<State, Info>) => Observable<unknown>;
  /** Stores what was read last, when the client ends. If that fails, the next run reads it again. */
  readonly saveLast: (state: GroupState<State, Info>) => void;
  /** Takes positions in another log from now on. */
  readonly followLog: () => void;
}

export interface SnapshotSaverOptions<State, Info extends GroupInfo> {
  readonly engine: GroupEngine<State, Info>;
  readonly save: (snapshot: Uint8Array, order: SnapshotOrder, slotRecord?: Uint8Array) => Observable<unknown>;
  /** The order of what is stored. */
  readonly order: SnapshotOrder | undefined;
  /** The state that is stored. */
  readonly state: GroupState<State, Info>;
  /** Where to read on, as stored by an earlier run. */
  readonly resume: Resume | undefined;
  /** SECRET. Returns the secret of the invite to the present room. */
  readonly getInviteSecret: () => Uint8Array;
  /** Returns how far this run has read the present log, or `undefined` while it reads a former one. */
  readonly getReadPosition: () => Resume | undefined;
}

/** Creates the saver of one run of a client. */
export const createSnapshotSaver = <State, Info extends GroupInfo>({
  engine,
  resume,
  getInviteSecret,
  getReadPosition,
  ...options
}: SnapshotSaverOptions<State, Info>): SnapshotSaver<State, Info> => {
  let stored = resume;
  let saved = options.state;
  let order = options.order ?? { epoch: 0, position: 0 };

  /** Where the next run reads on. What this one reads again, the next one has read. */
  const nextResume = (): Resume | undefined => {
    const read = getReadPosition();
    return read === undefined || (stored !== undefined && read.n < stored.n) ? stored : read;
  };

  const save = (state: GroupState<State, Info>, slotRecord: Uint8Array | undefined) => {
    saved = state;
    const next = nextResume();
    order = orderAfter(order, state, next?.n ?? 0);
    return options.save(
      formatSnapshot(engine, {
        inviteSecret: getInviteSecret(),
        resume: state.phase === 'member' ? next : undefined,
        state,
      }),
      order,
      slotRecord,
    );
  };

  return {
    save: (state) => save(state, state.phase === 'removed' ? undefined : formatSlotRecord(engine, state)),
    saveLast: (state) => {
      // Without the record: what was sent depends on one that is stored, and another process may have the slot by now.
      if (state !== saved && canSave(state)) save(state, undefined).subscribe({ error: () => undefined });
    },
    followLog: () => {
      stored = undefined;
    },
  };
};
