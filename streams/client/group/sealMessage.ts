import type { Identity } from '../envelope/identity.js';
import type { MessageContent } from '../envelope/messageContent.js';
import { encodeBoundEnvelope, encodeExternalEnvelope } from './boundEnvelope.js';
import type { GroupInfo } from './engine.js';
import type { ExternalMessageFrame, MessageFrame } from './frame.js';
import { externalRatchet, externalSenderInfo, type GroupContext, type GroupCrypto } from './groupEpoch.js';
import { parseGroupInfoData } from './groupInfoData.js';
import type { MemberState, Sending } from './groupState.js';
import { type ChainKey, MAX_LOOK_AHEAD, messageKeyOf } from './ratchet.js';
import { sealToBytes } from './tokenBytes.js';

/** How many message keys a device reserves at once. After a crash it skips those that are left. */
export const RESERVED_GENERATIONS = 64;

const SECONDS_PER_MINUTE = 60;

/** Rounds a time down to a minute, in seconds since 1970: everyone can read the time of a token. */
export const tokenTimeOf = (timeMs: number): number =>
  Math.floor(timeMs / 1000 / SECONDS_PER_MINUTE) * SECONDS_PER_MINUTE;

/**
 * Seals a message with the next message key of this process, and reserves more keys if that one was not reserved.
 *
 * If the reservation or the epoch is not stored yet, `persistState` has to store the state before the frame is sent.
 */
export const sealMessage = <State, Info extends GroupInfo>(
  { suite, cipher, device }: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  content: MessageContent,
): { readonly state: MemberState<State, Info>; readonly frame: MessageFrame } => {
  const { epoch, sending } = state;
  const { slot } = sending;
  // The echo of what this slot sent before a restart can be ahead of the state that was stored.
  const read = epoch.senders[epoch.view.leaf]?.[slot]?.next;
  const isAhead = read !== undefined && read.generation > sending.chainKey.generation;
  const chainKey = isAhead ? read : sending.chainKey;
  const { generation } = chainKey;
  const reserved = generation < sending.reserved ? sending.reserved : generation + RESERVED_GENERATIONS;
  const senderData = { epoch: epoch.view.epoch, leaf: epoch.view.leaf, slot, generation };
  const { key, following } = messageKeyOf(chainKey, suite);
  const plaintext = encodeBoundEnvelope(content, device, epoch.view.groupId, senderData);
  const token = sealToBytes(cipher, key, plaintext, tokenTimeOf(content.time));
  return {
    state: { ...state, sending: { ...sending, chainKey: following, reserved } },
    frame: { type: 'message', ...senderData, token },
  };
};

/** Begins to send at a chain key for which nothing is reserved. */
export const sendingFrom = (chainKey: ChainKey): Omit<Sending, 'slot'> => ({
  chainKey,
  reserved: chainKey.generation,
  first: chainKey.generation,
});

/**
 * Whether a process skipped so many message keys that the others would not look for the next one.
 *
 * Processes skip the keys that they reserved and lost in a crash. Before it sends, this one has to renew its keys.
 */
export const hasSkippedTooMany = ({
  epoch: { view, senders },
  sending: { slot, first },
}: Pick<MemberState<unknown, GroupInfo>, 'epoch' | 'sending'>): boolean =>
  first - (senders[view.leaf]?.[slot]?.next.generation ?? 0) >= MAX_LOOK_AHEAD;

/** A sender that holds the invite and is not a member, in one epoch. */
export interface ExternalSender {
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly ephemeralKey: Uint8Array;
  readonly chainKey: ChainKey;
}

/** Creates an external sender, or returns `undefined` if the group info has no usable key. */
export const createExternalSender = (
  { hpke }: Pick<GroupCrypto, 'hpke'>,
  { groupId, epoch, applicationData }: GroupInfo,
): ExternalSender | undefined => {
  const data = parseGroupInfoData(applicationData);
  const sender = data && hpke.setupSender(data.externalKey, externalSenderInfo(groupId, epoch));
  return (
    sender && {
      groupId,
      epoch,
      ephemeralKey: sender.kemOutput,
      chainKey: externalRatchet(hpke, sender.context).next,
    }
  );
};

/** Seals a message of an external sender, signed by its identity. */
export const sealExternalMessage = (
  { suite, cipher }: Pick<GroupCrypto, 'suite' | 'cipher'>,
  sender: ExternalSender,
  content: MessageContent,
  identity: Identity,
): { readonly sender: ExternalSender; readonly frame: ExternalMessageFrame } => {
  const { groupId, epoch, ephemeralKey, chainKey } = sender;
  const senderData = { epoch, ephemeralKey, generation: chainKey.generation };
  const { key, following } = messageKeyOf(chainKey, suite);
  const plaintext = encodeExternalEnvelope(content, identity, groupId, senderData);
  const token = sealToBytes(cipher, key, plaintext, tokenTimeOf(content.time));
  return {
    sender: { ...sender, chainKey: following },
    frame: { type: 'externalMessage', ...senderData, token },
  };
};
