import { encodeText } from '../../wire/encoding.js';
import {
  type ByteReader,
  BytesError,
  concatBytes,
  formatList,
  formatOptional,
  lengthPrefixed,
  parseBytes,
  u32,
  u8,
} from './bytes.js';

/** A member's signed statement that it leaves. Any member's commit may then remove its leaf. */
export interface LeaveStatement {
  /** The public key of the device that leaves: 32 bytes. */
  readonly device: Uint8Array;
  /** The last epoch that a commit may end by this statement. It bounds replay after a readmission. */
  readonly lastEpoch: number;
  /** The device's signature of `leaveMessage`. */
  readonly signature: Uint8Array;
}

/** The creator's signed statement that a person may remove members. */
export interface RemovalGrant {
  /** The last epoch that a commit may end by this grant. It bounds replay after a readmission. */
  readonly lastEpoch: number;
  /** The creator's signature of `removalGrantMessage`. */
  readonly signature: Uint8Array;
}

/** What a commit says to the rules. The committer signs it with the rest of the commit. */
export interface CommitData {
  readonly grant?: RemovalGrant | undefined;
  readonly leaves: readonly LeaveStatement[];
  /** The hash of the secret of the next invite, if the room moves to it. */
  readonly inviteSecretHash?: Uint8Array | undefined;
}

/** A commit that only renews keys or joins. */
export const NO_COMMIT_DATA: CommitData = { leaves: [] };

const VERSION = 1;
const KEY_BYTES = 32;
const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;

const LEAVE_DOMAIN = encodeText('rxchat/2 leave\n');
const GRANT_DOMAIN = encodeText('rxchat/2 removal grant\n');
const INVITE_SECRET_DOMAIN = encodeText('rxchat/2 invite secret\n');

/** Returns what a device signs to leave. */
export const leaveMessage = (groupId: Uint8Array, device: Uint8Array, lastEpoch: number): Uint8Array =>
  concatBytes(LEAVE_DOMAIN, lengthPrefixed(groupId), device, u32(lastEpoch));

/** Returns what the creator signs to let a person remove members. */
export const removalGrantMessage = (
  groupId: Uint8Array,
  identity: Uint8Array,
  lastEpoch: number,
): Uint8Array => concatBytes(GRANT_DOMAIN, lengthPrefixed(groupId), identity, u32(lastEpoch));

/** The length of the secret of an invite. */
export const INVITE_SECRET_BYTES = 32;

/** Returns what is hashed for `inviteSecretHash`. */
export const inviteSecretMessage = (secret: Uint8Array): Uint8Array =>
  concatBytes(INVITE_SECRET_DOMAIN, secret);

/** Formats a leave statement. */
export const formatLeaveStatement = ({ device, lastEpoch, signature }: LeaveStatement): Uint8Array =>
  concatBytes(device, u32(lastEpoch), signature);

/** Reads the format of `formatLeaveStatement`. */
export const readLeaveStatement = (reader: ByteReader): LeaveStatement => ({
  device: reader.bytes(KEY_BYTES),
  lastEpoch: reader.u32(),
  signature: reader.bytes(SIGNATURE_BYTES),
});

/** Formats the data of a commit. */
export const formatCommitData = ({ grant, leaves, inviteSecretHash }: CommitData): Uint8Array =>
  concatBytes(
    u8(VERSION),
    formatOptional(grant, ({ lastEpoch, signature }) => concatBytes(u32(lastEpoch), signature)),
    formatList(leaves, formatLeaveStatement),
    formatOptional(inviteSecretHash, (hash) => hash),
  );

/** Parses the data of a commit, or returns `undefined` if the bytes are not exactly what `formatCommitData` returns. */
export const parseCommitData = (bytes: Uint8Array): CommitData | undefined =>
  parseBytes(bytes, (reader) => {
    if (reader.u8() !== VERSION) throw new BytesError('unknown version of commit data');
    const grant = reader.optional(() => ({
      lastEpoch: reader.u32(),
      signature: reader.bytes(SIGNATURE_BYTES),
    }));
    const leaves = reader.list(() => readLeaveStatement(reader));
    const inviteSecretHash = reader.optional(() => reader.bytes(HASH_BYTES));
    return { ...(grant && { grant }), leaves, ...(inviteSecretHash && { inviteSecretHash }) };
  });
