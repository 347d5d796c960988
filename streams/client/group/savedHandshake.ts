import { decodeText, encodeText, fromBase64url, toBase64url } from '../../wire/encoding.js';
import {
  type ByteReader,
  BytesError,
  concatBytes,
  flag,
  formatList,
  formatOptional,
  lengthPrefixed,
  u16,
  u32,
  u64,
} from './bytes.js';
import { type CommitFrame, type CreateFrame, formatFrame, parseFrame } from './frame.js';
import type { Commit, GroupEngine, GroupInfo, Member } from './engine.js';
import type { GroupContext } from './groupEpoch.js';
import type { DeviceHandshake, PendingHandshake } from './pendingHandshake.js';

const KEY_BYTES = 32;

/** Reads the state of an engine. */
export const readEngineState = <State, Info extends GroupInfo>(
  engine: GroupEngine<State, Info>,
  reader: ByteReader,
): State => {
  const state = engine.parseState(reader.lengthPrefixed());
  if (state === undefined) throw new BytesError('invalid state of the engine');
  return state;
};

/** Formats a handshake that is not in the log yet, with its secrets. */
export const formatPendingHandshake =
  <State, Info extends GroupInfo>(engine: GroupEngine<State, Info>) =>
  ({ frame, baseEpoch, state, commit, inviteSecret }: PendingHandshake<State>): Uint8Array =>
    concatBytes(
      lengthPrefixed(formatFrame(frame)),
      u32(baseEpoch),
      lengthPrefixed(engine.formatState(state)),
      formatOptional(commit, formatCommit),
      formatOptional(inviteSecret, lengthPrefixed),
    );

/** Reads the format of `formatPendingHandshake`. */
export const readPendingHandshake = <State, Info extends GroupInfo>(
  { engine }: Pick<GroupContext<State, Info>, 'engine'>,
  reader: ByteReader,
): PendingHandshake<State> => ({
  frame: readHandshakeFrame(reader),
  baseEpoch: reader.u32(),
  state: readEngineState(engine, reader),
  commit: reader.optional(() => readCommit(reader)),
  inviteSecret: reader.optional(() => reader.lengthPrefixed()),
});

/** Formats a commit of this device that is in the log, with its secrets. */
export const formatDeviceHandshake =
  <State, Info extends GroupInfo>(engine: GroupEngine<State, Info>) =>
  ({ handshake, timeMs }: DeviceHandshake<State>): Uint8Array =>
    concatBytes(formatPendingHandshake(engine)(handshake), u64(timeMs));

/** Reads the format of `formatDeviceHandshake`. */
export const readDeviceHandshake = <State, Info extends GroupInfo>(
  context: Pick<GroupContext<State, Info>, 'engine'>,
  reader: ByteReader,
): DeviceHandshake<State> => ({
  handshake: readPendingHandshake(context, reader),
  timeMs: reader.u64(),
});

const readHandshakeFrame = (reader: ByteReader): CreateFrame | CommitFrame => {
  const frame = parseFrame(reader.lengthPrefixed());
  if (frame?.type !== 'create' && frame?.type !== 'commit')
    throw new BytesError('invalid frame of a handshake');
  return frame;
};

const formatCommit = ({ epoch, isExternal, committer, removed, authenticatedData }: Commit): Uint8Array =>
  concatBytes(
    u32(epoch),
    flag(isExternal),
    formatMemberFields(committer),
    formatList(removed, formatMemberFields),
    lengthPrefixed(authenticatedData),
  );

const readCommit = (reader: ByteReader): Commit => ({
  epoch: reader.u32(),
  isExternal: reader.flag(),
  committer: readMemberFields(reader),
  removed: reader.list(() => readMemberFields(reader)),
  authenticatedData: reader.lengthPrefixed(),
});

/** Formats a member of an epoch. */
export const formatMemberFields = ({ leaf, identity, device, label }: Member): Uint8Array =>
  concatBytes(u16(leaf), formatKey(identity), formatKey(device), lengthPrefixed(encodeText(label)));

/** Reads the format of `formatMemberFields`. */
export const readMemberFields = (reader: ByteReader): Member => ({
  leaf: reader.u16(),
  identity: readKey(reader),
  device: readKey(reader),
  label: readText(reader),
});

/** Formats a public key in base64url as its 32 bytes. */
export const formatKey = (key: string): Uint8Array => {
  const bytes = fromBase64url(key);
  if (bytes?.length !== KEY_BYTES) throw new TypeError(`a key has ${KEY_BYTES} bytes`);
  return bytes;
};
/** Reads 32 bytes as a public key in base64url. */
export const readKey = (reader: ByteReader): string => toBase64url(reader.bytes(KEY_BYTES));

/** Reads text in UTF-8 that follows its length. */
export const readText = (reader: ByteReader): string => {
  const text = decodeText(reader.lengthPrefixed());
  if (text === undefined) throw new BytesError('text is not UTF-8');
  return text;
};
