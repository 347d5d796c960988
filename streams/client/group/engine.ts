import type { SigningKey } from './cryptoSuite.js';

/** A device of a person: its signature key pair, and the credential by which the person's identity certifies it. */
export interface Device extends SigningKey {
  /** Binds the public key to an identity and a label; `createDevice` formats it. */
  readonly credential: Uint8Array;
}

/** A leaf of the group, as its credential describes it. One device has one leaf. */
export interface Member {
  /** The index of the leaf. The next newcomer gets the lowest free index. */
  readonly leaf: number;
  /** The public key of the person's identity, base64url. */
  readonly identity: string;
  /** The public key of the device, base64url. */
  readonly device: string;
  /** The name of the device, chosen by its owner: untrusted text of at most 64 bytes. */
  readonly label: string;
}

/** What the members of an epoch agree on and a newcomer may know. */
export interface GroupView {
  readonly groupId: Uint8Array;
  /** The number of commits since the group was created. */
  readonly epoch: number;
  /** In the order of their leaves. */
  readonly members: readonly Member[];
}

/** The view of a member. */
export interface MemberView extends GroupView {
  /** The member's own leaf. */
  readonly leaf: number;
  /** 32 bytes that are equal for all members of an epoch, and only for them. People can compare them. */
  readonly epochAuthenticator: Uint8Array;
}

/** What a verified group info says. Only the engine that parsed it can use it. */
export interface GroupInfo extends GroupView {
  /** The leaf of the member who signed it. */
  readonly signer: number;
  /** Bytes of the layer above, signed with the rest. */
  readonly applicationData: Uint8Array;
}

/** What a commit does. The layer above judges by it whether the commit is allowed. */
export interface Commit {
  /** The epoch that the commit ends. */
  readonly epoch: number;
  /** An external commit lets its committer in; all others come from a member. */
  readonly isExternal: boolean;
  /** The committer. For an external commit, its new leaf. */
  readonly committer: Member;
  /** In the order of their leaves. */
  readonly removed: readonly Member[];
  /** Bytes of the layer above, signed with the rest. */
  readonly authenticatedData: Uint8Array;
}

/** Why a commit is invalid. It is void for this member; the epoch goes on. */
export type CommitFailure =
  /** The bytes are not a commit. */
  | 'malformed'
  /** The commit is for another group. */
  | 'wrong group'
  /** The commit is for an earlier or later epoch. */
  | 'wrong epoch'
  /** The commit is the member's own. Only the state of its `StagedCommit` can apply it. */
  | 'own commit'
  /** It removes a leaf that is not there, the committer's own, or one twice. */
  | 'invalid removal'
  /** The committer's leaf, signature key or encryption key is in use, not its own, or cannot be used; or the group is full. */
  | 'invalid leaf'
  /** The identity does not certify the device. */
  | 'invalid credential'
  | 'invalid signature'
  /** The commit secret cannot be decrypted. */
  | 'invalid commit secret'
  /** The committer derived other keys than this member. */
  | 'invalid confirmation tag';

/** The result of processing a commit. `accepted` and `removed` still have to be allowed by the layer above. */
export type CommitResult<State> =
  | { readonly kind: 'accepted'; readonly commit: Commit; readonly state: State }
  /** The commit removes this member, which has no secret to verify its confirmation tag with: only its signature is valid. */
  | { readonly kind: 'removed'; readonly commit: Commit }
  | {
      readonly kind: 'rejected';
      readonly failure: CommitFailure;
      /** What the commit does, if only a secret shows that it is invalid: it can be valid for other members. */
      readonly commit?: Commit;
    };

/** The result of following a commit from outside, where confirmation tags cannot be verified. */
export type FollowResult<Info extends GroupInfo> =
  | { readonly kind: 'accepted'; readonly commit: Commit; readonly groupInfo: Info }
  | {
      readonly kind: 'rejected';
      readonly failure: CommitFailure | 'invalid group info update';
      /** What the commit does, if only its group info update is invalid or missing. */
      readonly commit?: Commit;
    };

/** A commit that is not in the log yet, and the committer's state if it wins. */
export interface StagedCommit<State> {
  readonly commit: Uint8Array;
  readonly state: State;
}

export interface CommitOptions {
  /** The leaves to remove. */
  readonly remove?: readonly number[];
  readonly authenticatedData?: Uint8Array;
}

export interface ExternalCommitOptions {
  /** Removes the leaves with the device's key, or with its identity and label: it lost its state. */
  readonly isResync?: boolean;
  readonly authenticatedData?: Uint8Array;
}

/**
 * Agrees on the keys of a group among its members, in epochs. The terms are those of MLS (RFC 9420).
 *
 * Everything is a pure function of its arguments, except for the randomness of the suite. States are values: a step
 * returns a new one and leaves the old one usable. Whatever comes from the network never makes a method throw.
 *
 * The order of commits, who may do what, and the encryption of messages are up to the layer above.
 */
export interface GroupEngine<State, Info extends GroupInfo = GroupInfo> {
  /** The name of the engine, for tests and error reports. */
  readonly name: string;
  /** Creates a group of one device, in epoch 0. */
  readonly createGroup: (groupId: Uint8Array, device: Device) => State;
  /** Stages a commit with new keys for its committer. Throws a `TypeError` if it removes itself or a leaf that is not there. */
  readonly createCommit: (state: State, device: Device, options?: CommitOptions) => StagedCommit<State>;
  /**
   * Stages a commit by which a device joins. Returns `undefined` if the device is a member already, the group is full, or
   * a key of the group info cannot be used.
   */
  readonly createExternalCommit: (
    groupInfo: Info,
    device: Device,
    options?: ExternalCommitOptions,
  ) => StagedCommit<State> | undefined;
  /** Verifies and applies a commit of another device. */
  readonly processCommit: (state: State, commit: Uint8Array) => CommitResult<State>;
  /** Reads which group and epoch a commit claims to be for, or returns `undefined` if the bytes are not a commit. */
  readonly parseCommitHeader: (
    commit: Uint8Array,
  ) => { readonly groupId: Uint8Array; readonly epoch: number } | undefined;

  /** Formats all that a newcomer needs, signed by the device. */
  readonly formatGroupInfo: (state: State, device: Device, applicationData?: Uint8Array) => Uint8Array;
  /** Verifies and parses a group info with the credentials of all members, or returns `undefined`. */
  readonly parseGroupInfo: (bytes: Uint8Array) => Info | undefined;
  /** Whether a group info is signed by a member and right about this epoch. */
  readonly isGroupInfoOf: (state: State, bytes: Uint8Array, applicationData?: Uint8Array) => boolean;

  /** Formats the part of a group info that a newcomer cannot compute from the previous one and the commit. */
  readonly formatGroupInfoUpdate: (state: State, device: Device, applicationData?: Uint8Array) => Uint8Array;
  /** Whether a group info update is signed by a member and right about this epoch. */
  readonly isGroupInfoUpdateOf: (state: State, bytes: Uint8Array, applicationData?: Uint8Array) => boolean;
  /** Computes the next group info from a commit and its group info update, for a newcomer. */
  readonly followCommit: (groupInfo: Info, commit: Uint8Array, update: Uint8Array) => FollowResult<Info>;

  readonly view: (state: State) => MemberView;
  /**
   * Exports a secret of the epoch, as the exporter of MLS (RFC 9420, section 8.5). Throws an `Error` if the epoch's
   * exporter secret was dropped.
   */
  readonly exportSecret: (
    state: State,
    label: string,
    context: Uint8Array,
    lengthBytes?: number,
  ) => Uint8Array;
  /** Returns the state without its exporter secret: what was exported before cannot be derived from it. */
  readonly dropExporterSecret: (state: State) => State;

  /** Formats a state, with all of its secrets. */
  readonly formatState: (state: State) => Uint8Array;
  /** Parses the format of `formatState`, or returns `undefined`. Verifies no signatures: the bytes have to be authentic. */
  readonly parseState: (bytes: Uint8Array) => State | undefined;
}
