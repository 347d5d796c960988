import { encodeText } from '../../wire/encoding.js';
import { asFernetKey, type FernetKey } from '../envelope/cipher.js';
import { type ByteReader, BytesError, concatBytes, u16, u32, u8 } from './bytes.js';
import type { CryptoSuite } from './cryptoSuite.js';
import { SLOT_COUNT } from './frame.js';

/** How many generations a message may be ahead: generations that its sender reserved and did not use. */
export const MAX_LOOK_AHEAD = 1024;

const KEY_BYTES = 32;

/** The key that derives the message key of its generation and the next chain key. */
export interface ChainKey {
  readonly generation: number;
  readonly key: Uint8Array;
}

/**
 * The message keys that one slot of a sender uses in an epoch, one for each generation.
 *
 * HMAC-SHA256 of a chain key gives the message key (`01`) and the next chain key (`02`). Neither leads back.
 */
export interface MessageRatchet {
  /** The oldest chain key. No message key before it can be derived. */
  readonly oldest: ChainKey;
  /** The chain key of the generation that is expected next. */
  readonly next: ChainKey;
  /** The chain key after the message that was read last, so that reading again in order takes one step each. */
  readonly lastRead: ChainKey;
}

type Hmac = Pick<CryptoSuite, 'hmac'>;

/** The message key of a generation, and the chain key after it. */
export interface MessageKey {
  readonly key: FernetKey;
  readonly following: ChainKey;
}

const MESSAGE_KEY = u8(1);
const NEXT_CHAIN_KEY = u8(2);

const stepOf = ({ generation, key }: ChainKey, { hmac }: Hmac): ChainKey => ({
  generation: generation + 1,
  key: hmac(key, NEXT_CHAIN_KEY),
});

/** Creates a ratchet that starts at a chain key. */
export const createRatchet = (first: ChainKey): MessageRatchet => ({
  oldest: first,
  next: first,
  lastRead: first,
});

/** Derives the message key of a chain key. */
export const messageKeyOf = (chainKey: ChainKey, suite: Hmac): MessageKey => ({
  key: asFernetKey(suite.hmac(chainKey.key, MESSAGE_KEY)),
  following: stepOf(chainKey, suite),
});

/** Derives the chain key of a later generation. */
export const chainKeyAt = (from: ChainKey, generation: number, suite: Hmac): ChainKey => {
  let chainKey = from;
  while (chainKey.generation < generation) chainKey = stepOf(chainKey, suite);
  return chainKey;
};

/** Derives the message key of a generation, or returns `undefined` if it was forgotten or is too far ahead. */
export const keyOf = (
  { oldest, next, lastRead }: MessageRatchet,
  generation: number,
  suite: Hmac,
): MessageKey | undefined => {
  if (generation < oldest.generation || generation >= next.generation + MAX_LOOK_AHEAD) return undefined;
  const start = [next, lastRead].find((each) => each.generation <= generation) ?? oldest;
  return messageKeyOf(chainKeyAt(start, generation, suite), suite);
};

/**
 * Advances to the chain key after a message that was read. Forgets the keys before it, unless they are retained.
 *
 * Call it only for a message whose signature is valid: other members know all ratchets of the epoch.
 */
export const advance = (
  { oldest, next }: MessageRatchet,
  following: ChainKey,
  { isRetained }: { readonly isRetained: boolean },
): MessageRatchet => {
  const newNext = following.generation > next.generation ? following : next;
  return isRetained ? { oldest, next: newNext, lastRead: following } : createRatchet(newNext);
};

/** Forgets the message keys that were used. */
export const forgetUsed = ({ next }: MessageRatchet): MessageRatchet => createRatchet(next);

/** Whether a message key that was used can be derived. */
export const hasUsedKeys = ({ oldest, next }: MessageRatchet): boolean => oldest.generation < next.generation;

/** Formats a ratchet, with its keys. */
export const formatRatchet = ({ oldest, next }: MessageRatchet): Uint8Array =>
  concatBytes(formatChainKey(oldest), formatChainKey(next));

/** Formats a chain key with its generation. */
export const formatChainKey = ({ generation, key }: ChainKey): Uint8Array =>
  concatBytes(u32(generation), key);

/** Reads the format of `formatRatchet`. */
export const readRatchet = (reader: ByteReader): MessageRatchet => {
  const oldest = readChainKey(reader);
  const next = readChainKey(reader);
  if (oldest.generation > next.generation) throw new BytesError('the ratchet ends before it begins');
  return { oldest, next, lastRead: oldest };
};

/** Reads the format of `formatChainKey`. */
export const readChainKey = (reader: ByteReader): ChainKey => ({
  generation: reader.u32(),
  key: reader.bytes(KEY_BYTES),
});

/** The ratchets of one sender, by slot. */
export type SenderRatchets = readonly (MessageRatchet | undefined)[];

/**
 * Derives the first ratchets of a sender in an epoch: HKDF-Expand of the secret with a label, the leaf and the slot.
 *
 * The caller derives the ratchets of all senders, and then drops the secret.
 */
export const deriveSenderRatchets = (
  secret: Uint8Array,
  leaf: number,
  { hkdfExpand }: Pick<CryptoSuite, 'hkdfExpand'>,
): SenderRatchets =>
  Array.from({ length: SLOT_COUNT }, (_, slot) =>
    createRatchet({
      generation: 0,
      key: hkdfExpand(secret, concatBytes(RATCHET_LABEL, u16(leaf), u8(slot)), KEY_BYTES),
    }),
  );

const RATCHET_LABEL = encodeText('rxchat/2 message ratchet');
