import { toBase64url } from '../../wire/encoding.js';
import { messageEvent, voidEvent } from './messageEvent.js';
import type { GroupInfo } from './engine.js';
import type { ExternalMessageFrame, MessageFrame } from './frame.js';
import {
  type GroupContext,
  type MessageKeys,
  readExternalMessage,
  readMessage,
  replaceAt,
} from './groupEpoch.js';
import type { FrameEntry, GroupEvent, MemberState, Step } from './groupState.js';
import type { MessageRatchet } from './ratchet.js';

/**
 * Reads an entry again that was applied before.
 *
 * A message is opened with the keys of the epoch that was valid at its position, if the device still has them. The state
 * changes only in what makes it cheap to read in order.
 */
export const rereadFrame = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  entry: FrameEntry,
): Step<State, Info> => {
  const { position, frame } = entry;
  if (frame.type !== 'message' && frame.type !== 'externalMessage')
    return { state, events: [{ type: 'handshake', position }] };
  const { epoch, pastEpochs, firstEpoch, hasMoved, endedAt = Infinity } = state;
  const at = pastEpochs.findIndex(({ start, end }) => position > start && position < end);
  const past = pastEpochs[at];
  // Past epochs come first: if the commit that began the present one was lost with a part of the log, it has no start.
  if (past === undefined && position > epoch.start) {
    const isOver = position > endedAt && frame.epoch === epoch.view.epoch;
    if (hasMoved || isOver) return { state, events: [{ type: 'void', position }] };
    const reread = readAgain(context, epoch, entry, frame, firstEpoch);
    return { state: { ...state, epoch: reread.epoch }, events: [reread.event] };
  }
  if (past === undefined) return { state, events: [unknownEvent(position, frame.epoch, firstEpoch)] };
  const reread = readAgain(context, past, entry, frame, firstEpoch);
  return { state: { ...state, pastEpochs: replaceAt(pastEpochs, at, reread.epoch) }, events: [reread.event] };
};

const readAgain = <Epoch extends MessageKeys, State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  epoch: Epoch,
  { position, token }: FrameEntry,
  frame: MessageFrame | ExternalMessageFrame,
  firstEpoch: number,
): { readonly epoch: Epoch; readonly event: GroupEvent } => {
  if (frame.epoch < epoch.view.epoch) return { epoch, event: voidEvent(position, frame.epoch, firstEpoch) };
  const ratchet = ratchetOf(epoch, frame);
  // Nothing was opened with a key that was not used.
  if (frame.epoch > epoch.view.epoch || ratchet === undefined || frame.generation >= ratchet.next.generation)
    return { epoch, event: unknownEvent(position, frame.epoch, firstEpoch) };
  const result =
    frame.type === 'message'
      ? readMessage(context, epoch, frame)
      : readExternalMessage(context, epoch, frame);
  return { epoch: result.epoch, event: messageEvent(position, token, result.message) };
};

const ratchetOf = (
  { senders, externalSenders }: MessageKeys,
  frame: MessageFrame | ExternalMessageFrame,
): MessageRatchet | undefined => {
  if (frame.type === 'message') return senders[frame.leaf]?.[frame.slot];
  const ephemeralKey = toBase64url(frame.ephemeralKey);
  return externalSenders.find((each) => each.ephemeralKey === ephemeralKey)?.ratchet;
};

const unknownEvent = (position: number, epoch: number, firstEpoch: number): GroupEvent =>
  epoch < firstEpoch ? { type: 'beforeJoin', from: position, to: position } : { type: 'forgotten', position };
