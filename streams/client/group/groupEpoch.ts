import { encodeText, toBase64url } from '../../wire/encoding.js';
import { asFernetKey, type Cipher, type FernetKey, type OpenFailure } from '../envelope/cipher.js';
import { type BoundEnvelope, decodeBoundEnvelope, decodeExternalEnvelope } from './boundEnvelope.js';
import { concatBytes, u32 } from './bytes.js';
import type { CryptoSuite } from './cryptoSuite.js';
import type { FoundHandshake } from './pendingHandshake.js';
import type { Device, GroupEngine, GroupInfo, GroupView, Member, MemberView } from './engine.js';
import type { ExternalMessageFrame, MessageFrame } from './frame.js';
import type { EpochOrigin } from './groupInfoData.js';
import type { Hpke, HpkeContext, KeyPair } from './hpke.js';
import {
  advance,
  createRatchet,
  deriveSenderRatchets,
  keyOf,
  type MessageRatchet,
  type SenderRatchets,
} from './ratchet.js';
import { openBytes } from './tokenBytes.js';

/** The cryptography of a group room and the settings of this process. */
export interface GroupCrypto {
  readonly suite: CryptoSuite;
  readonly hpke: Hpke;
  readonly cipher: Cipher;
  /**
   * For how many ms after the end of an epoch its messages can be read again. `Infinity` never forgets.
   *
   * 0 forgets each message key once it was used. Otherwise all messages of the present epoch can be read again.
   */
  readonly forgetMs: number;
  /** Which of the running processes of this device this is: 0 to 3. No two may have the same. */
  readonly slot: number;
}

/** What a device needs to take part in a group room. It stays the same for the whole run. */
export interface GroupContext<State, Info extends GroupInfo> extends GroupCrypto {
  readonly engine: GroupEngine<State, Info>;
  readonly device: Device;
  /** SHA-256 of the group's id, from the invite. Other groups in the log are ignored. */
  readonly groupIdHash: Uint8Array;
  /** Finds a handshake that another running process of this device staged, by its commit. */
  readonly findHandshake?: ((commit: Uint8Array) => FoundHandshake<State>) | undefined;
}

/** The ratchet of an external sender, by its ephemeral key. */
interface ExternalSender {
  readonly ephemeralKey: string;
  readonly ratchet: MessageRatchet;
}

/** What the messages of an epoch are read with. */
export interface MessageKeys {
  readonly view: GroupView;
  /** The ratchets of each member, by leaf. */
  readonly senders: readonly (SenderRatchets | undefined)[];
  /** The key pair to which external senders encrypt. Missing after the epoch. */
  readonly externalKeyPair: KeyPair | undefined;
  /** The external senders whose ratchets advanced last. */
  readonly externalSenders: readonly ExternalSender[];
}

/** All that a member knows of an epoch. */
export interface GroupEpoch<State> extends MessageKeys, EpochOrigin {
  /** The state of the engine, without its exporter secret. */
  readonly engineState: State;
  readonly view: MemberView;
  readonly externalKeyPair: KeyPair;
}

/** The message keys of an epoch that ended, as far as messages were opened with them. */
export interface PastEpoch extends MessageKeys {
  readonly externalKeyPair: undefined;
  /** The position of the commit that began the epoch, or 0 if it is in an earlier log. */
  readonly start: number;
  /** The position of the commit that ended the epoch for this device. */
  readonly end: number;
  /** When that commit arrived, in ms since 1970. */
  readonly endMs: number;
}

/** How many external senders of an epoch are remembered. The one that sent longest ago is forgotten first. */
export const MAX_EXTERNAL_SENDERS = 64;

const SECRET_BYTES = 32;
const RATCHETS_LABEL = 'message ratchets';
const EXTERNAL_SENDERS_LABEL = 'external senders';
const INVITE_SECRET_LABEL = 'invite secret';

/** Derives the keys of an epoch. Returns the key of a sealed invite secret too, which is needed only at once. */
export const beginEpoch = <State, Info extends GroupInfo>(
  { engine, suite, hpke }: GroupContext<State, Info>,
  state: State,
  { committer, start }: EpochOrigin,
): { readonly epoch: GroupEpoch<State>; readonly inviteSecretKey: FernetKey } => {
  const view = engine.view(state);
  const secretOf = (label: string): Uint8Array =>
    engine.exportSecret(state, label, view.groupId, SECRET_BYTES);
  const ratchetSecret = secretOf(RATCHETS_LABEL);
  const senders: (SenderRatchets | undefined)[] = [];
  for (const { leaf } of view.members) senders[leaf] = deriveSenderRatchets(ratchetSecret, leaf, suite);
  const epoch: GroupEpoch<State> = {
    engineState: engine.dropExporterSecret(state),
    view,
    senders,
    externalKeyPair: hpke.deriveKeyPair(secretOf(EXTERNAL_SENDERS_LABEL)),
    externalSenders: [],
    committer,
    start,
  };
  return { epoch, inviteSecretKey: asFernetKey(secretOf(INVITE_SECRET_LABEL)) };
};

/** The result of reading a message: the epoch, whose ratchets may have advanced, and what the message is. */
export interface MessageResult<Epoch extends MessageKeys> {
  readonly epoch: Epoch;
  readonly message:
    | { readonly type: 'opened'; readonly envelope: BoundEnvelope; readonly sender: Member | undefined }
    | { readonly type: 'undecryptable'; readonly reason: OpenFailure | 'not an envelope' }
    /** The message key was used before, or its sender reserved and skipped it. */
    | { readonly type: 'forgotten' }
    | { readonly type: 'alarm'; readonly nick: string; readonly key: string };
}

/** Reads a member's message of this epoch. The ratchet advances only if the sender's device signed the message. */
export const readMessage = <Epoch extends MessageKeys>(
  { suite, cipher, forgetMs }: GroupCrypto,
  epoch: Epoch,
  frame: MessageFrame,
): MessageResult<Epoch> => {
  const { leaf, slot, generation, token } = frame;
  const sender = epoch.view.members.find((each) => each.leaf === leaf);
  const ratchets = epoch.senders[leaf];
  const ratchet = ratchets?.[slot];
  if (sender === undefined || ratchets === undefined || ratchet === undefined)
    return { epoch, message: { type: 'undecryptable', reason: 'wrong key or tampered' } };
  if (generation < ratchet.oldest.generation) return { epoch, message: { type: 'forgotten' } };
  const messageKey = keyOf(ratchet, generation, suite);
  if (messageKey === undefined)
    return { epoch, message: { type: 'undecryptable', reason: 'wrong key or tampered' } };
  const plaintext = openBytes(cipher, messageKey.key, token);
  if (typeof plaintext === 'string') return { epoch, message: { type: 'undecryptable', reason: plaintext } };
  const envelope = decodeBoundEnvelope(plaintext, sender, epoch.view.groupId, frame, suite);
  if (envelope === 'bad-signature')
    return { epoch, message: { type: 'alarm', nick: sender.label, key: sender.identity } };
  const advanced = advance(ratchet, messageKey.following, { isRetained: forgetMs > 0 });
  const senders = replaceAt(epoch.senders, leaf, replaceAt(ratchets, slot, advanced));
  const message =
    envelope === 'not an envelope'
      ? ({ type: 'undecryptable', reason: envelope } as const)
      : ({ type: 'opened', envelope, sender } as const);
  return { epoch: { ...epoch, senders }, message };
};

/** Reads an external sender's message of this epoch. */
export const readExternalMessage = <Epoch extends MessageKeys>(
  { suite, hpke, cipher, forgetMs }: GroupCrypto,
  epoch: Epoch,
  frame: ExternalMessageFrame,
): MessageResult<Epoch> => {
  const { view, externalKeyPair, externalSenders } = epoch;
  const undecryptable = (reason: OpenFailure | 'not an envelope'): MessageResult<Epoch> => ({
    epoch,
    message: { type: 'undecryptable', reason },
  });
  const ephemeralKey = toBase64url(frame.ephemeralKey);
  const known = externalSenders.find((each) => each.ephemeralKey === ephemeralKey)?.ratchet;
  const hpkeContext =
    known === undefined && externalKeyPair !== undefined
      ? hpke.setupReceiver(frame.ephemeralKey, externalKeyPair, externalSenderInfo(view.groupId, view.epoch))
      : undefined;
  const ratchet = known ?? (hpkeContext && externalRatchet(hpke, hpkeContext));
  if (ratchet === undefined) return undecryptable('malformed');
  if (frame.generation < ratchet.oldest.generation) return { epoch, message: { type: 'forgotten' } };
  const messageKey = keyOf(ratchet, frame.generation, suite);
  if (messageKey === undefined) return undecryptable('wrong key or tampered');
  const plaintext = openBytes(cipher, messageKey.key, frame.token);
  if (typeof plaintext === 'string') return undecryptable(plaintext);
  const envelope = decodeExternalEnvelope(plaintext, view.groupId, frame, suite);
  if (typeof envelope === 'string') return undecryptable('not an envelope');
  const advanced = advance(ratchet, messageKey.following, { isRetained: forgetMs > 0 });
  return {
    epoch: { ...epoch, externalSenders: withSender(externalSenders, { ephemeralKey, ratchet: advanced }) },
    message: { type: 'opened', envelope, sender: undefined },
  };
};

/** Replaces an external sender. It moves to the front if its ratchet advanced. */
const withSender = (
  senders: readonly ExternalSender[],
  sender: ExternalSender,
): readonly ExternalSender[] => {
  const at = senders.findIndex(({ ephemeralKey }) => ephemeralKey === sender.ephemeralKey);
  if (senders[at]?.ratchet.next === sender.ratchet.next) return replaceAt(senders, at, sender);
  return [sender, ...senders.filter((_, index) => index !== at)].slice(0, MAX_EXTERNAL_SENDERS);
};

/** Returns the `info` of HPKE by which an external sender and the members derive the same ratchet. */
export const externalSenderInfo = (groupId: Uint8Array, epoch: number): Uint8Array =>
  concatBytes(EXTERNAL_SENDER_DOMAIN, groupId, u32(epoch));

const EXTERNAL_SENDER_DOMAIN = encodeText('rxchat/2 external sender\n');
const EXTERNAL_RATCHET_LABEL = encodeText('message ratchet');

/** Derives the first ratchet of an external sender. */
export const externalRatchet = (hpke: Hpke, context: HpkeContext): MessageRatchet =>
  createRatchet({ generation: 0, key: hpke.exportSecret(context, EXTERNAL_RATCHET_LABEL, SECRET_BYTES) });

/** Returns a copy of a list with another item at an index. */
export const replaceAt = <T>(items: readonly T[], at: number, item: T): readonly T[] => {
  const copy = items.slice();
  copy[at] = item;
  return copy;
};
