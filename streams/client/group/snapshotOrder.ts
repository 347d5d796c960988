import type { GroupInfo } from './engine.js';
import type { GroupState } from './groupState.js';

/** Which of two snapshots of a device is newer: that of the later epoch, and within it that of the later position. */
export interface SnapshotOrder {
  readonly epoch: number;
  /** It stays if the relay lost its log, whose positions start again. Of equal orders the last one is stored. */
  readonly position: number;
}

/** Returns the order of a snapshot that follows another one. `position` is that of the last entry that was read. */
export const orderAfter = <State, Info extends GroupInfo>(
  previous: SnapshotOrder,
  state: GroupState<State, Info>,
  position: number,
): SnapshotOrder => {
  switch (state.phase) {
    case 'newcomer':
      return previous;
    case 'removed':
      // The removal ended the epoch. If the device joins again, a later epoch follows.
      return { epoch: previous.epoch + 1, position: 0 };
    case 'member': {
      const { epoch } = state.epoch.view;
      return { epoch, position: epoch === previous.epoch ? Math.max(position, previous.position) : position };
    }
  }
};
