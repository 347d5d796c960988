import { toBase64url } from '../../wire/encoding.js';
import { equalBytes } from './bytes.js';
import { leaveMessage, type LeaveStatement } from './commitData.js';
import type { Commit, GroupInfo, GroupView } from './engine.js';
import type { LeaveFrame } from './frame.js';
import type { GroupContext } from './groupEpoch.js';
import type { GroupEvent, MemberState, Step } from './groupState.js';
import { isValidLeave } from './rules.js';

/** For how many epochs after its own a leave statement is valid. */
export const LEAVE_EPOCHS = 16;

/** Makes the frame by which this device says that it leaves. Another member's commit then removes its leaf. */
export const stageLeave = <State, Info extends GroupInfo>(
  { device: { publicKey, sign } }: GroupContext<State, Info>,
  { epoch: { view } }: MemberState<State, Info>,
): LeaveFrame => {
  const lastEpoch = view.epoch + LEAVE_EPOCHS;
  const signature = sign(leaveMessage(view.groupId, publicKey, lastEpoch));
  return { type: 'leave', device: publicKey, lastEpoch, signature };
};

/** Keeps the valid statement of another member, so that a commit of this device can remove it. */
export const applyLeave = <State, Info extends GroupInfo>(
  { suite }: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  position: number,
  { device, lastEpoch, signature }: LeaveFrame,
): Step<State, Info> => {
  const { view } = state.epoch;
  const statement = { device, lastEpoch, signature };
  const key = toBase64url(device);
  const member = view.members.find((each) => each.device === key);
  if (member === undefined || !isValidLeave(view, statement, suite.ed25519.verify))
    return { state, events: [{ type: 'rejected', position, reason: 'invalid leave statement' }] };
  const event: GroupEvent = { type: 'leaving', position, member };
  if (member.leaf === view.leaf) return { state, events: [event] };
  const known = state.leaving.find((each) => equalBytes(each.device, device));
  if (known !== undefined && known.lastEpoch >= lastEpoch)
    return { state, events: [{ type: 'handshake', position }] };
  const others = state.leaving.filter((each) => each !== known);
  return { state: { ...state, leaving: [...others, statement] }, events: [event] };
};

/** Returns the statements that a commit can still use in the epoch after `commit`. */
export const leavingAfter = (
  leaving: readonly LeaveStatement[],
  { epoch }: GroupView,
  commit: Commit | undefined,
): readonly LeaveStatement[] =>
  leaving.filter(({ device, lastEpoch }) => {
    const key = toBase64url(device);
    return lastEpoch >= epoch && commit?.removed.every((each) => each.device !== key);
  });

/** Returns the leaves of the members that said that they leave. */
export const leavingLeaves = <State, Info extends GroupInfo>({
  epoch: { view },
  leaving,
}: MemberState<State, Info>): readonly number[] => {
  const devices = new Set(leaving.map(({ device }) => toBase64url(device)));
  return view.members.filter(({ device }) => devices.has(device)).map(({ leaf }) => leaf);
};
