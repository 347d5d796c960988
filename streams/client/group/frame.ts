import { LimitError } from '../../wire/errors.js';
import type { Cipher, FernetKey, OpenFailure, Plaintext, Token } from '../envelope/cipher.js';
import {
  type ByteReader,
  BytesError,
  concatBytes,
  isZero,
  lengthPrefixed,
  parseBytes,
  u16,
  u32,
  u8,
} from './bytes.js';
import { formatLeaveStatement, type LeaveStatement, readLeaveStatement } from './commitData.js';

/** Which message key a member's message is encrypted with. No two messages of an epoch have the same. */
export interface SenderData {
  readonly epoch: number;
  /** The leaf of the sender. */
  readonly leaf: number;
  /** Which of the running processes of the sender's device sends: 0 to 3. */
  readonly slot: number;
  /** How many message keys this slot used before. */
  readonly generation: number;
}

/** Which message key the message of an external sender is encrypted with. */
export interface ExternalSenderData {
  readonly epoch: number;
  /** The sender's ephemeral X25519 public key: 32 bytes, new for each run and epoch. */
  readonly ephemeralKey: Uint8Array;
  readonly generation: number;
}

/** A message of a member. */
export interface MessageFrame extends SenderData {
  readonly type: 'message';
  /** A Fernet token under a message key, as bytes. */
  readonly token: Uint8Array;
}

/** A message of an external sender: it holds the invite and is not a member. */
export interface ExternalMessageFrame extends ExternalSenderData {
  readonly type: 'externalMessage';
  readonly token: Uint8Array;
}

/** The creation of the group: only its creator sends it, once. */
export interface CreateFrame {
  readonly type: 'create';
  readonly groupInfo: Uint8Array;
}

/** A commit: a device joins, renews its keys or removes members. */
export interface CommitFrame {
  readonly type: 'commit';
  readonly commit: Uint8Array;
  /** What newcomers need besides the commit. Empty if the room moves to another invite. */
  readonly groupInfoUpdate: Uint8Array;
  /** The secret of the next invite, encrypted for the members of the next epoch. Empty if the invite stays. */
  readonly sealedInviteSecret: Uint8Array;
}

/** All that newcomers need, posted again by a member. */
export interface GroupInfoFrame {
  readonly type: 'groupInfo';
  readonly groupInfo: Uint8Array;
}

/** A member says that it leaves. */
export interface LeaveFrame extends LeaveStatement {
  readonly type: 'leave';
}

/** The content of an outer token of a group room. */
export type Frame =
  MessageFrame | ExternalMessageFrame | CreateFrame | CommitFrame | GroupInfoFrame | LeaveFrame;

/** The maximum size of a frame in bytes. Its token then fits a line of 64 KiB. */
export const MAX_FRAME_BYTES = 49_087;
/** The smallest size of a padded frame in bytes. */
const MIN_PADDED_BYTES = 512;
/** How many processes of a device can send at the same time. */
export const SLOT_COUNT = 4;

const VERSION = 2;
const HEADER_BYTES = 6;
const EPHEMERAL_KEY_BYTES = 32;

/** The index of a type is its number on the wire. */
const TYPES = [
  'message',
  'externalMessage',
  'create',
  'commit',
  'groupInfo',
  'leave',
] as const satisfies readonly Frame['type'][];

/** Formats and pads a frame. Throws a `LimitError` if it is too large. */
export const formatFrame = (frame: Frame): Plaintext => {
  const body = formatBody(frame);
  const length = HEADER_BYTES + body.length;
  if (length > MAX_FRAME_BYTES)
    throw new LimitError(`a frame of ${length} bytes is over the limit of ${MAX_FRAME_BYTES}`);
  const padded = new Uint8Array(paddedLength(length));
  padded.set(concatBytes(u8(VERSION), u8(TYPES.indexOf(frame.type)), u32(body.length)));
  padded.set(body, HEADER_BYTES);
  return padded as Plaintext;
};

/** Parses a frame, or returns `undefined` if the bytes are not exactly what `formatFrame` returns for one. */
export const parseFrame = (plaintext: Uint8Array): Frame | undefined =>
  parseBytes(plaintext, (reader) => {
    if (reader.u8() !== VERSION) throw new BytesError('unknown version of a frame');
    const type = TYPES[reader.u8()];
    const body = reader.lengthPrefixed();
    const padding = reader.rest();
    const isPadded = plaintext.length === paddedLength(HEADER_BYTES + body.length);
    // Other padding would be a second format of the same frame.
    if (type === undefined || !isPadded || !isZero(padding))
      throw new BytesError('unknown type or invalid padding of a frame');
    const frame = parseBytes(body, (bodyReader) => readBody(type, bodyReader));
    if (frame === undefined) throw new BytesError('invalid body of a frame');
    return frame;
  });

const formatBody = (frame: Frame): Uint8Array => {
  switch (frame.type) {
    case 'message':
      return concatBytes(formatSenderData(frame), frame.token);
    case 'externalMessage':
      return concatBytes(formatExternalSenderData(frame), frame.token);
    case 'create':
    case 'groupInfo':
      return frame.groupInfo;
    case 'commit':
      return concatBytes(
        lengthPrefixed(frame.commit),
        lengthPrefixed(frame.groupInfoUpdate),
        lengthPrefixed(frame.sealedInviteSecret),
      );
    case 'leave':
      return formatLeaveStatement(frame);
  }
};

const readBody = (type: Frame['type'], reader: ByteReader): Frame => {
  switch (type) {
    case 'message': {
      const senderData = {
        epoch: reader.u32(),
        leaf: reader.u16(),
        slot: reader.u8(),
        generation: reader.u32(),
      };
      if (senderData.slot >= SLOT_COUNT) throw new BytesError('unknown slot');
      return { type, ...senderData, token: reader.rest() };
    }
    case 'externalMessage':
      return {
        type,
        epoch: reader.u32(),
        ephemeralKey: reader.bytes(EPHEMERAL_KEY_BYTES),
        generation: reader.u32(),
        token: reader.rest(),
      };
    case 'create':
    case 'groupInfo':
      return { type, groupInfo: reader.rest() };
    case 'commit':
      return {
        type,
        commit: reader.lengthPrefixed(),
        groupInfoUpdate: reader.lengthPrefixed(),
        sealedInviteSecret: reader.lengthPrefixed(),
      };
    case 'leave':
      return { type, ...readLeaveStatement(reader) };
  }
};

/** Formats the sender data of a member's message. The signature of the envelope covers it too. */
export const formatSenderData = ({ epoch, leaf, slot, generation }: SenderData): Uint8Array =>
  concatBytes(u32(epoch), u16(leaf), u8(slot), u32(generation));

/** Formats the sender data of an external sender's message. The signature of the envelope covers it too. */
export const formatExternalSenderData = ({
  epoch,
  ephemeralKey,
  generation,
}: ExternalSenderData): Uint8Array => {
  if (ephemeralKey.length !== EPHEMERAL_KEY_BYTES) throw new TypeError('an ephemeral key has 32 bytes');
  return concatBytes(u32(epoch), ephemeralKey, u32(generation));
};

/** The sizes are 512, 1024 ... 32 768 bytes and the limit, so that a size reveals little about the content. */
const paddedLength = (length: number): number => {
  let padded = MIN_PADDED_BYTES;
  while (padded < length) padded *= 2;
  return Math.min(padded, MAX_FRAME_BYTES);
};

/** Encrypts a frame under the outer key. Everyone can read `time` in the token: whole seconds since 1970. */
export const sealFrame = (cipher: Cipher, outerKey: FernetKey, frame: Frame, time: number): Token =>
  cipher.seal(outerKey, formatFrame(frame), time);

/** Decrypts a frame, or returns why it cannot. */
export const openFrame = (
  cipher: Cipher,
  outerKey: FernetKey,
  token: Token,
): Frame | OpenFailure | 'not a frame' => {
  const plaintext = cipher.open(outerKey, token);
  return typeof plaintext === 'string' ? plaintext : (parseFrame(plaintext) ?? 'not a frame');
};
