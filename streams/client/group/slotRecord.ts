import {
  type ByteReader,
  BytesError,
  concatBytes,
  formatList,
  formatOptional,
  parseBytes,
  u32,
  u8,
} from './bytes.js';
import type { GroupEngine, GroupInfo } from './engine.js';
import type { GroupContext } from './groupEpoch.js';
import type { MemberState, NewcomerState, Sending } from './groupState.js';
import type { PendingHandshake } from './pendingHandshake.js';
import { chainKeyAt, formatChainKey, readChainKey } from './ratchet.js';
import { formatPendingHandshake, readPendingHandshake } from './savedHandshake.js';
import { RESERVED_GENERATIONS, sendingFrom } from './sealMessage.js';

/** The message keys that a slot reserved in an epoch. */
export interface Reservation extends Sending {
  readonly epoch: number;
}

/** What only one of the running processes of a device knows. */
export interface SlotRecord<State> {
  readonly reservation: Reservation | undefined;
  /** The handshake that this process staged, and that another one may find in the log first. */
  readonly handshakes: readonly PendingHandshake<State>[];
}

/**
 * Formats which message keys this process reserved, and what it staged. Each slot stores its own record, besides the
 * snapshot that all share.
 */
export const formatSlotRecord = <State, Info extends GroupInfo>(
  engine: GroupEngine<State, Info>,
  state: NewcomerState<State, Info> | MemberState<State, Info>,
): Uint8Array => {
  const member = state.phase === 'member' ? state : undefined;
  const handshakes = state.pending === undefined ? [] : [state.pending];
  return concatBytes(
    formatOptional(member, formatReservation),
    formatList(handshakes, formatPendingHandshake(engine)),
  );
};

/** Parses the format of `formatSlotRecord`, or returns `undefined`. */
export const parseSlotRecord = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  bytes: Uint8Array,
): SlotRecord<State> | undefined =>
  parseBytes(bytes, (reader) => ({
    reservation: reader.optional(() => readReservation(reader)),
    handshakes: reader.list(() => readPendingHandshake(context, reader)),
  }));

/** Formats which message keys a process reserved. */
export const formatReservation = ({
  epoch,
  sending: { slot, chainKey, reserved },
}: Pick<MemberState<unknown, GroupInfo>, 'epoch' | 'sending'>): Uint8Array =>
  concatBytes(u32(epoch.view.epoch), u8(slot), formatChainKey(chainKey), u32(reserved));

/** Reads the format of `formatReservation`. The next key is the first that was not reserved. */
export const readReservation = (reader: ByteReader): Reservation => {
  const [epoch, slot, chainKey, reserved] = [reader.u32(), reader.u8(), readChainKey(reader), reader.u32()];
  if (reserved < chainKey.generation || reserved > chainKey.generation + RESERVED_GENERATIONS)
    throw new BytesError('more message keys are reserved than a device reserves');
  return { epoch, slot, chainKey, reserved, first: reserved };
};

/** Continues behind all keys that the slot of this process used or reserved in the epoch of a state. */
export const sendingOf = <State, Info extends GroupInfo>(
  { slot, suite }: GroupContext<State, Info>,
  { epoch: { view, senders }, sending }: MemberState<State, Info>,
  records: readonly (Reservation | undefined)[],
): Sending => {
  const next = senders[view.leaf]?.[slot]?.next;
  if (next === undefined) throw new BytesError('the own ratchet is missing');
  let last: Sending = { slot, ...sendingFrom(next) };
  for (const each of [{ ...sending, epoch: view.epoch }, ...records])
    if (each?.epoch === view.epoch && each.slot === slot && each.reserved > last.reserved)
      last = { slot, ...sendingFrom(chainKeyAt(each.chainKey, each.reserved, suite)) };
  return last;
};
