import { equalBytes } from './bytes.js';
import type { GroupInfo } from './engine.js';
import type { GroupContext } from './groupEpoch.js';
import type { FoundHandshake, PendingHandshake } from './pendingHandshake.js';
import { parseSnapshot } from './savedState.js';
import { parseSlotRecord } from './slotRecord.js';

/** Where the processes of a device store what they share. */
export interface SharedHandshakes {
  /** Loads the records of all slots: what the processes staged. */
  readonly loadSlotRecords: () => Iterable<Uint8Array>;
  /** Loads the snapshot: which commits of the device began an epoch. */
  readonly loadSnapshot: () => Uint8Array | undefined;
}

/**
 * Finds the handshake of a commit in what the processes of a device stored, or returns `undefined`. Returns `removed` if
 * it is not there and a process stored that the device was removed.
 *
 * A process that is ahead drops the records of earlier epochs, and its snapshot then has the commits that it read. The
 * snapshot of a removed device has nothing.
 */
export const findHandshake = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  { loadSlotRecords, loadSnapshot }: SharedHandshakes,
  commit: Uint8Array,
): FoundHandshake<State> => {
  const isOfCommit = ({ frame }: PendingHandshake<State>): boolean =>
    frame.type === 'commit' && equalBytes(frame.commit, commit);
  for (const bytes of loadSlotRecords()) {
    const found = parseSlotRecord(context, bytes)?.handshakes.find(isOfCommit);
    if (found !== undefined) return found;
  }
  // Loaded last: if another process ended the epoch meanwhile, the commit is in its snapshot.
  const bytes = loadSnapshot();
  const state = bytes && parseSnapshot(context, bytes)?.state;
  if (state?.phase === 'removed') return 'removed';
  if (state?.phase !== 'member') return undefined;
  return state.deviceHandshakes.find(({ handshake }) => isOfCommit(handshake))?.handshake;
};
