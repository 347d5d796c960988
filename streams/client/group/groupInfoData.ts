import { fromBase64url, toBase64url } from '../../wire/encoding.js';
import { concatBytes, flag, parseBytes, u64 } from './bytes.js';
import type { KeyPair } from './hpke.js';

/** How an epoch began, as far as the rules for commits need to know it. */
export interface EpochOrigin {
  /** The identity whose commit began the epoch. `undefined` in the epoch in which the group was created. */
  readonly committer: string | undefined;
  /** The position of that commit, or 0 if it is in an earlier log. */
  readonly start: number;
}

/** What a group info says to this layer. */
export interface GroupInfoData {
  /** The public key to which external senders encrypt. */
  readonly externalKey: Uint8Array;
  /**
   * The position of the last entry that the signer had read. It shows newcomers which commits the signer knew. 0 for a new
   * group, and in the update of a commit.
   */
  readonly position: number;
  /** How the epoch began. Missing in the update of a commit: the commit itself and its position say it. */
  readonly origin: EpochOrigin | undefined;
}

const KEY_BYTES = 32;

interface EpochKey {
  readonly externalKeyPair: KeyPair;
}

/** Formats what the update of a commit says to this layer. */
export const formatUpdateData = ({ externalKeyPair }: EpochKey): Uint8Array =>
  concatBytes(externalKeyPair.publicKey, u64(0), flag(false));

/** Formats what a group info says to this layer. */
export const formatGroupInfoData = (epoch: EpochKey & EpochOrigin, position: number): Uint8Array => {
  const committer = epoch.committer === undefined ? undefined : fromBase64url(epoch.committer);
  const origin = committer === undefined ? flag(false) : concatBytes(flag(true), committer, u64(epoch.start));
  return concatBytes(epoch.externalKeyPair.publicKey, u64(position), origin);
};

/** Parses the format of both, or returns `undefined`. */
export const parseGroupInfoData = (bytes: Uint8Array): GroupInfoData | undefined =>
  parseBytes(bytes, (reader) => {
    const externalKey = reader.bytes(KEY_BYTES);
    const position = reader.u64();
    const origin = reader.optional(() => ({
      committer: toBase64url(reader.bytes(KEY_BYTES)),
      start: reader.u64(),
    }));
    return { externalKey, position, origin };
  });
