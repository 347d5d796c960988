import { encodeText } from '../../wire/encoding.js';
import { ProtocolError } from '../../wire/errors.js';
import { formatResume, parseResume, type Resume } from '../../wire/fields.js';
import {
  type ByteReader,
  BytesError,
  concatBytes,
  flag,
  formatList,
  formatOptional,
  lengthPrefixed,
  parseBytes,
  u32,
  u64,
  u8,
} from './bytes.js';
import { formatLeaveStatement, readLeaveStatement } from './commitData.js';
import type { GroupEngine, GroupInfo } from './engine.js';
import type { GroupContext } from './groupEpoch.js';
import { createNewcomer, type GroupState, type MemberState } from './groupState.js';
import {
  formatFormerLog,
  formatPastEpoch,
  formatRatchets,
  readFormerLog,
  readPastEpoch,
  readRatchets,
} from './savedEpoch.js';
import {
  formatDeviceHandshake,
  formatKey,
  formatPendingHandshake,
  readDeviceHandshake,
  readEngineState,
  readKey,
  readPendingHandshake,
  readText,
} from './savedHandshake.js';
import { formatReservation, parseSlotRecord, readReservation, sendingOf } from './slotRecord.js';

const VERSION = 3;
/** Snapshots of this version have no commits of the device. */
const VERSION_WITHOUT_DEVICE_HANDSHAKES = 2;
/** Snapshots of this version have no former logs either. */
const VERSION_WITHOUT_FORMER_LOGS = 1;
const SECRET_BYTES = 32;
const PHASES = ['newcomer', 'member', 'removed'] as const;

/** What a device stores of a group room. */
export interface Snapshot<State, Info extends GroupInfo> {
  /** SECRET. The secret of the room's present invite. */
  readonly inviteSecret: Uint8Array;
  /** Where to read on in the log of that invite. `undefined` if nothing of it was read. */
  readonly resume: Resume | undefined;
  readonly state: GroupState<State, Info>;
}

/**
 * Formats what a device stores of a group room, with its secrets, for a store that encrypts it.
 *
 * The state of a newcomer is its pending handshake alone: it reads the log again from its start. That the others are
 * ahead is not saved either: their next group info says it again.
 */
export const formatSnapshot = <State, Info extends GroupInfo>(
  engine: GroupEngine<State, Info>,
  { inviteSecret, resume, state }: Snapshot<State, Info>,
): Uint8Array => {
  if (inviteSecret.length !== SECRET_BYTES) throw new TypeError(`an invite secret has ${SECRET_BYTES} bytes`);
  return concatBytes(
    u8(VERSION),
    inviteSecret,
    formatOptional(resume, (each) => lengthPrefixed(encodeText(formatResume(each)))),
    formatState(engine, state),
  );
};

/**
 * Parses the format of `formatSnapshot`, or returns `undefined` if the bytes are not one.
 *
 * It verifies no signature, so the bytes have to be authentic. The next message key is the first that the slot of this
 * process did not reserve, so that no key is used twice. If several processes of a device share the snapshot,
 * `slotRecord` is the last `formatSlotRecord` of this slot.
 */
export const parseSnapshot = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  bytes: Uint8Array,
  slotRecord?: Uint8Array,
): Snapshot<State, Info> | undefined =>
  parseBytes(bytes, (reader) => {
    const version = reader.u8();
    if (version < VERSION_WITHOUT_FORMER_LOGS || version > VERSION)
      throw new BytesError('unknown version of a snapshot');
    const inviteSecret = reader.bytes(SECRET_BYTES);
    const resume = reader.optional(() => readResume(reader));
    const state = readState(context, reader, version);
    if (state.phase !== 'member') return { inviteSecret, resume, state };
    const record = slotRecord && parseSlotRecord(context, slotRecord);
    const records = [record?.reservation];
    return { inviteSecret, resume, state: { ...state, sending: sendingOf(context, state, records) } };
  });

const readResume = (reader: ByteReader): Resume => {
  try {
    return parseResume(readText(reader));
  } catch (error) {
    if (error instanceof ProtocolError) throw new BytesError(error.message);
    throw error;
  }
};

const formatState = <State, Info extends GroupInfo>(
  engine: GroupEngine<State, Info>,
  state: GroupState<State, Info>,
): Uint8Array => {
  const phase = u8(PHASES.indexOf(state.phase));
  switch (state.phase) {
    case 'newcomer':
      return concatBytes(phase, formatOptional(state.pending, formatPendingHandshake(engine)));
    case 'member':
      return concatBytes(phase, formatMember(engine, state));
    case 'removed':
      return phase;
  }
};

const readState = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  reader: ByteReader,
  version: number,
): GroupState<State, Info> => {
  const phase = PHASES[reader.u8()];
  switch (phase) {
    case 'newcomer':
      return {
        ...createNewcomer<State, Info>(),
        pending: reader.optional(() => readPendingHandshake(context, reader)),
      };
    case 'member':
      return readMember(context, reader, version);
    case 'removed':
      return { phase };
    default:
      throw new BytesError('unknown phase of a group state');
  }
};

const formatMember = <State, Info extends GroupInfo>(
  engine: GroupEngine<State, Info>,
  {
    epoch,
    position,
    firstEpoch,
    pastEpochs,
    pending,
    sending,
    leaving,
    lastGroupInfo,
    needsGroupInfo,
    groupInfoNeededAt,
    endedAt,
    hasMoved,
    formerLogs,
    deviceHandshakes,
  }: MemberState<State, Info>,
): Uint8Array =>
  concatBytes(
    lengthPrefixed(engine.formatState(epoch.engineState)),
    u64(position),
    u32(firstEpoch),
    formatOptional(epoch.committer, formatKey),
    u64(epoch.start),
    formatRatchets(epoch),
    epoch.externalKeyPair.privateKey,
    formatList(pastEpochs, formatPastEpoch),
    formatOptional(pending, formatPendingHandshake(engine)),
    formatReservation({ epoch, sending }),
    formatList(leaving, formatLeaveStatement),
    u64(lastGroupInfo.position),
    u32(lastGroupInfo.epoch),
    flag(needsGroupInfo),
    u64(groupInfoNeededAt),
    formatOptional(endedAt, u64),
    flag(hasMoved),
    formatList(formerLogs, formatFormerLog),
    formatList(deviceHandshakes, formatDeviceHandshake(engine)),
  );

const readMember = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  reader: ByteReader,
  version: number,
): MemberState<State, Info> => {
  const { engine, suite } = context;
  const engineState = readEngineState(engine, reader);
  const position = reader.u64();
  const firstEpoch = reader.u32();
  const committer = reader.optional(() => readKey(reader));
  const start = reader.u64();
  const view = engine.view(engineState);
  const ratchets = readRatchets(reader);
  const privateKey = reader.bytes(SECRET_BYTES);
  const pastEpochs = reader.list(() => readPastEpoch(view.groupId, reader));
  const pending = reader.optional(() => readPendingHandshake(context, reader));
  const sending = readReservation(reader);
  return {
    phase: 'member',
    epoch: {
      engineState,
      view,
      ...ratchets,
      externalKeyPair: { privateKey, publicKey: suite.x25519.publicKey(privateKey) },
      committer,
      start,
    },
    position,
    firstEpoch,
    pastEpochs,
    pending,
    sending,
    leaving: reader.list(() => readLeaveStatement(reader)),
    lastGroupInfo: { position: reader.u64(), epoch: reader.u32() },
    needsGroupInfo: reader.flag(),
    groupInfoNeededAt: reader.u64(),
    endedAt: reader.optional(() => reader.u64()),
    ahead: undefined,
    aheadOrigin: undefined,
    hasMoved: reader.flag(),
    formerLogs:
      version === VERSION_WITHOUT_FORMER_LOGS ? [] : reader.list(() => readFormerLog(view.groupId, reader)),
    deviceHandshakes:
      version <= VERSION_WITHOUT_DEVICE_HANDSHAKES
        ? []
        : reader.list(() => readDeviceHandshake(context, reader)),
  };
};
