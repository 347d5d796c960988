import { applyAsMember } from './applyAsMember.js';
import { applyAsNewcomer } from './applyAsNewcomer.js';
import type { GroupInfo } from './engine.js';
import type { GroupContext } from './groupEpoch.js';
import { rereadFrame } from './rereadFrame.js';
import type { FrameEntry, GroupState, Step } from './groupState.js';

/** How many entries, and how many epochs, newcomers may have to read from a group info on. */
export const GROUP_INFO_INTERVAL_ENTRIES = 1024;
export const GROUP_INFO_INTERVAL_EPOCHS = 32;

/**
 * Applies an entry of the log to the state of a device, and returns what the entry means.
 *
 * The log is the only order. Of the commits for an epoch, the first that is valid and allowed counts. Commits and messages
 * after the end of their epoch are void for all members alike. A commit of this device counts from its echo on. An entry
 * that a member applied before is only read again.
 */
export const applyFrame = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: GroupState<State, Info>,
  entry: FrameEntry,
): Step<State, Info> => {
  if (state.phase === 'member' && entry.position <= state.position) return rereadFrame(context, state, entry);
  const step = apply(context, state, entry);
  return { ...step, state: withPosition(step.state, entry.position) };
};

const apply = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: GroupState<State, Info>,
  entry: FrameEntry,
): Step<State, Info> => {
  switch (state.phase) {
    case 'newcomer':
      return applyAsNewcomer(context, state, entry);
    case 'member':
      return applyAsMember(context, state, entry);
    case 'removed':
      return { state, events: [{ type: 'void', position: entry.position }] };
  }
};

/** Notes the position, and whether the last group info is too long ago. */
const withPosition = <State, Info extends GroupInfo>(
  state: GroupState<State, Info>,
  position: number,
): GroupState<State, Info> => {
  if (state.phase !== 'member') return state;
  const { lastGroupInfo, epoch, needsGroupInfo, hasMoved } = state;
  const isDue =
    position - lastGroupInfo.position >= GROUP_INFO_INTERVAL_ENTRIES ||
    epoch.view.epoch - lastGroupInfo.epoch >= GROUP_INFO_INTERVAL_EPOCHS;
  return { ...state, position, needsGroupInfo: needsGroupInfo || (isDue && !hasMoved) };
};
