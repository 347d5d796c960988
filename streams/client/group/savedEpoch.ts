import { encodeText } from '../../wire/encoding.js';
import { type ByteReader, concatBytes, formatList, lengthPrefixed, u16, u32, u64, u8 } from './bytes.js';
import type { FormerLog } from './formerLog.js';
import type { MessageKeys, PastEpoch } from './groupEpoch.js';
import { formatRatchet, type MessageRatchet, readRatchet } from './ratchet.js';
import { formatKey, formatMemberFields, readKey, readMemberFields, readText } from './savedHandshake.js';

/** Formats the ratchets of an epoch, with their keys. */
export const formatRatchets = ({
  senders,
  externalSenders,
}: Pick<MessageKeys, 'senders' | 'externalSenders'>): Uint8Array => {
  const ratchets = senders.flatMap((slots, leaf) =>
    (slots ?? []).flatMap((ratchet, slot) =>
      ratchet === undefined ? [] : [concatBytes(u16(leaf), u8(slot), formatRatchet(ratchet))],
    ),
  );
  return concatBytes(
    formatList(ratchets, (each) => each),
    formatList(externalSenders, ({ ephemeralKey, ratchet }) =>
      concatBytes(formatKey(ephemeralKey), formatRatchet(ratchet)),
    ),
  );
};

/** Reads the format of `formatRatchets`. */
export const readRatchets = (reader: ByteReader): Pick<MessageKeys, 'senders' | 'externalSenders'> => {
  const senders: (MessageRatchet | undefined)[][] = [];
  for (const { leaf, slot, ratchet } of reader.list(() => ({
    leaf: reader.u16(),
    slot: reader.u8(),
    ratchet: readRatchet(reader),
  })))
    (senders[leaf] ??= [])[slot] = ratchet;
  const externalSenders = reader.list(() => ({
    ephemeralKey: readKey(reader),
    ratchet: readRatchet(reader),
  }));
  return { senders, externalSenders };
};

/** Formats an epoch that ended, with its keys. Its group is that of the state. */
export const formatPastEpoch = (epoch: PastEpoch): Uint8Array =>
  concatBytes(
    u32(epoch.view.epoch),
    formatList(epoch.view.members, formatMemberFields),
    formatRatchets(epoch),
    u64(epoch.start),
    u64(epoch.end),
    u64(epoch.endMs),
  );

/** Reads the format of `formatPastEpoch`. */
export const readPastEpoch = (groupId: Uint8Array, reader: ByteReader): PastEpoch => ({
  view: { groupId, epoch: reader.u32(), members: reader.list(() => readMemberFields(reader)) },
  ...readRatchets(reader),
  externalKeyPair: undefined,
  start: reader.u64(),
  end: reader.u64(),
  endMs: reader.u64(),
});

const SECRET_BYTES = 32;

/** Formats a log that the room left, with the secret of its invite and its keys. */
export const formatFormerLog = ({ log, inviteSecret, end, pastEpochs }: FormerLog): Uint8Array =>
  concatBytes(
    lengthPrefixed(encodeText(log)),
    inviteSecret,
    u64(end),
    formatList(pastEpochs, formatPastEpoch),
  );

/** Reads the format of `formatFormerLog`. */
export const readFormerLog = (groupId: Uint8Array, reader: ByteReader): FormerLog => ({
  log: readText(reader),
  inviteSecret: reader.bytes(SECRET_BYTES),
  end: reader.u64(),
  pastEpochs: reader.list(() => readPastEpoch(groupId, reader)),
});
