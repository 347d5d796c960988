import type { GroupCrypto, GroupEpoch, PastEpoch } from './groupEpoch.js';
import type { GroupState, MemberState } from './groupState.js';
import type { DeviceHandshake } from './pendingHandshake.js';
import { forgetUsed, hasUsedKeys } from './ratchet.js';
import type { GroupInfo } from './engine.js';

/** The maximum of past epochs and of their ratchets together. The oldest epochs are forgotten first. */
export const MAX_PAST_RATCHETS = 8192;

/** Returns the past epochs of a member whose epoch ends now: what was read can be read again, and nothing else. */
export const pastEpochsAfter = <State, Info extends GroupInfo>(
  { forgetMs }: Pick<GroupCrypto, 'forgetMs'>,
  { epoch, pastEpochs, endedAt }: MemberState<State, Info>,
  position: number,
  nowMs: number,
): readonly PastEpoch[] =>
  forgetMs === 0
    ? []
    : withoutOld([...pastEpochs, endEpoch(epoch, endedAt ?? position, nowMs)], nowMs - forgetMs);

const endEpoch = (
  { view, senders, externalSenders, start }: GroupEpoch<unknown>,
  end: number,
  endMs: number,
): PastEpoch => {
  const used = senders.map((ratchets) =>
    ratchets?.map((each) => (each && hasUsedKeys(each) ? each : undefined)),
  );
  const members = view.members.filter(({ leaf }) => used[leaf]?.some((each) => each !== undefined));
  return {
    view: { groupId: view.groupId, epoch: view.epoch, members },
    senders: used,
    externalKeyPair: undefined,
    externalSenders,
    start,
    end,
    endMs: Math.floor(endMs),
  };
};

/** Forgets what a device has to forget by its setting. Returns the same state if there is nothing to forget. */
export const forgetOld = <State, Info extends GroupInfo>(
  { forgetMs }: Pick<GroupCrypto, 'forgetMs'>,
  state: GroupState<State, Info>,
  nowMs: number,
): GroupState<State, Info> =>
  state.phase === 'member' ? forgetBefore(state, forgetMs === 0 ? Infinity : nowMs - forgetMs) : state;

/**
 * Forgets the message keys of the epochs that ended before a time.
 *
 * `Infinity` forgets the keys of all messages that were read, those of the present epoch too.
 */
export const forgetBefore = <State, Info extends GroupInfo>(
  state: MemberState<State, Info>,
  timeMs: number,
): MemberState<State, Info> => {
  const { pastEpochs, formerLogs, isSame } = withoutOldLogs(state, timeMs);
  const retained = { ...state, pastEpochs, formerLogs };
  if (timeMs < Infinity) {
    const deviceHandshakes = retainedHandshakes(retained);
    const isUnchanged = isSame && deviceHandshakes.length === state.deviceHandshakes.length;
    return isUnchanged ? state : { ...retained, deviceHandshakes };
  }
  const { senders, externalSenders } = state.epoch;
  return {
    ...retained,
    deviceHandshakes: [],
    epoch: {
      ...state.epoch,
      senders: senders.map((ratchets) => ratchets?.map((each) => each && forgetUsed(each))),
      externalSenders: externalSenders.map((each) => ({ ...each, ratchet: forgetUsed(each.ratchet) })),
    },
  };
};

/** Returns the commits of this device that began the present epoch or one that is not forgotten. */
export const retainedHandshakes = <State>({
  deviceHandshakes,
  epoch: { view },
  pastEpochs,
  formerLogs,
}: Pick<
  MemberState<State, GroupInfo>,
  'deviceHandshakes' | 'epoch' | 'pastEpochs' | 'formerLogs'
>): readonly DeviceHandshake<State>[] => {
  if (deviceHandshakes.length === 0) return deviceHandshakes;
  const all = [...formerLogs.flatMap((each) => each.pastEpochs), ...pastEpochs];
  const epochs = new Set([...all.map((each) => each.view.epoch), view.epoch]);
  return deviceHandshakes.filter(({ handshake }) => epochs.has(handshake.baseEpoch + 1));
};

/** Removes the epochs that ended before a time from the present log and the former ones, and logs that have none left. */
const withoutOldLogs = <State, Info extends GroupInfo>(
  { pastEpochs, formerLogs }: MemberState<State, Info>,
  timeMs: number,
) => {
  const all = [...formerLogs.flatMap((each) => each.pastEpochs), ...pastEpochs];
  const rest = new Set(withoutOld(all, timeMs));
  const keep = (epochs: readonly PastEpoch[]) => epochs.filter((each) => rest.has(each));
  return {
    isSame: rest.size === all.length,
    pastEpochs: keep(pastEpochs),
    formerLogs: formerLogs
      .map((each) => ({ ...each, pastEpochs: keep(each.pastEpochs) }))
      .filter((each) => each.pastEpochs.length > 0),
  };
};

/** Returns the epochs that ended at a time or later, as far as there is room for them. */
const withoutOld = (epochs: readonly PastEpoch[], timeMs: number): readonly PastEpoch[] => {
  let count = 0;
  let first = epochs.length;
  for (; first > 0; first -= 1) {
    const epoch = epochs[first - 1];
    count += epoch === undefined ? 0 : ratchetCount(epoch);
    if (epoch === undefined || epoch.endMs < timeMs || count > MAX_PAST_RATCHETS) break;
  }
  return epochs.slice(first);
};

const ratchetCount = ({ senders, externalSenders }: PastEpoch): number =>
  senders.reduce(
    (sum, ratchets = []) => sum + ratchets.filter((each) => each !== undefined).length,
    1 + externalSenders.length,
  );
