import { concatBytes, equalBytes, lengthPrefixed, parseBytes, u16, u8, type ByteReader } from './bytes.js';
import type { CryptoSuite } from './cryptoSuite.js';
import type { Device, GroupInfo } from './engine.js';
import type { LabelledCrypto } from './labels.js';
import {
  formatGroupContext,
  formatPublicGroup,
  KEY_BYTES,
  type PublicGroup,
  readPublicGroup,
  readVersion,
  VERSION,
} from './starGroup.js';

/** A verified group info. */
export interface StarGroupInfo extends GroupInfo, PublicGroup {
  /** The public key to which newcomers encrypt. */
  readonly externalKey: Uint8Array;
}

/** The part of a group info that a newcomer cannot compute: not verified. */
interface Update {
  readonly externalKey: Uint8Array;
  readonly applicationData: Uint8Array;
  readonly signer: number;
  readonly signature: Uint8Array;
}

const SIGNATURE_BYTES = 64;
const LABEL = 'group info';

/** Formats what the signature of a group info covers. The group context stands for the leaves and the transcript. */
const formatSigned = (
  group: PublicGroup,
  { externalKey, applicationData, signer }: Omit<Update, 'signature'>,
): Uint8Array =>
  concatBytes(
    formatGroupContext(group),
    group.confirmationTag,
    externalKey,
    lengthPrefixed(applicationData),
    u16(signer),
  );

const readUpdate = (reader: ByteReader): Update => {
  readVersion(reader);
  return {
    externalKey: reader.bytes(KEY_BYTES),
    applicationData: reader.lengthPrefixed(),
    signer: reader.u16(),
    signature: reader.bytes(SIGNATURE_BYTES),
  };
};

const isSignedByMember = (
  group: PublicGroup,
  update: Update,
  { verifyWithLabel }: LabelledCrypto,
): boolean => {
  const signer = group.leaves.find(({ index }) => index === update.signer);
  return (
    signer !== undefined &&
    verifyWithLabel(signer.signatureKey, LABEL, formatSigned(group, update), update.signature)
  );
};

const toGroupInfo = (
  group: PublicGroup,
  { externalKey, applicationData, signer }: Update,
): StarGroupInfo => ({
  groupId: group.groupId,
  epoch: group.epoch,
  leaves: group.leaves,
  rosterHash: group.rosterHash,
  confirmedTranscriptHash: group.confirmedTranscriptHash,
  confirmationTag: group.confirmationTag,
  members: group.leaves.map(({ member }) => member),
  externalKey,
  applicationData,
  signer,
});

/** Formats the part of a group info that changes with each commit and cannot be computed from it. */
export const formatGroupInfoUpdate = (
  group: PublicGroup,
  { externalKey, applicationData, signer }: Omit<Update, 'signature'>,
  device: Pick<Device, 'sign'>,
  { signWithLabel }: LabelledCrypto,
): Uint8Array => {
  const signed = formatSigned(group, { externalKey, applicationData, signer });
  return concatBytes(
    u8(VERSION),
    externalKey,
    lengthPrefixed(applicationData),
    u16(signer),
    signWithLabel(device, LABEL, signed),
  );
};

/** Formats a group info: the public group, then the update of its epoch. */
export const formatGroupInfo = (group: PublicGroup, update: Uint8Array): Uint8Array =>
  concatBytes(formatPublicGroup(group), update);

/** Verifies and parses a group info, or returns `undefined` if it is invalid. */
export const parseGroupInfo = (
  bytes: Uint8Array,
  suite: CryptoSuite,
  labelled: LabelledCrypto,
): StarGroupInfo | undefined => {
  const parsed = parseBytes(bytes, (reader) => ({
    group: readPublicGroup(reader, suite, suite.ed25519),
    update: readUpdate(reader),
  }));
  return parsed && isSignedByMember(parsed.group, parsed.update, labelled)
    ? toGroupInfo(parsed.group, parsed.update)
    : undefined;
};

/** Computes the group info of an epoch from its update, or returns `undefined` if that is invalid. */
export const applyGroupInfoUpdate = (
  group: PublicGroup,
  bytes: Uint8Array,
  labelled: LabelledCrypto,
): StarGroupInfo | undefined => {
  const update = parseBytes(bytes, readUpdate);
  return update && isSignedByMember(group, update, labelled) ? toGroupInfo(group, update) : undefined;
};

/** Whether a group info describes this group. Its update is not verified but returned. */
export const updateOfGroupInfo = (group: PublicGroup, bytes: Uint8Array): Uint8Array | undefined => {
  const expected = formatPublicGroup(group);
  return equalBytes(bytes.subarray(0, expected.length), expected)
    ? bytes.subarray(expected.length)
    : undefined;
};
