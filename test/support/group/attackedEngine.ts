import type { CryptoSuite, Device, GroupEngine, GroupInfo } from '../../../streams/client/group/index.js';
import type { StagedCommit } from '../../../streams/client/group/engine.js';
import type { CommitChange } from './commitForge.js';

export interface ForgedCommit {
  /** The leaves to remove. */
  readonly removed?: readonly number[];
  readonly authenticatedData?: Uint8Array;
  /** Members of these leaves, and those who share a key with them, get another commit secret. */
  readonly wrongLeaves?: readonly number[];
}

/** What a dishonest device makes, by the protocol alone: without the checks of the engine and of the rules. */
export interface Attacker<State, Info extends GroupInfo> {
  /** Makes a commit of a member with its true secrets. */
  readonly commit: (state: State, device: Device, forged?: ForgedCommit) => StagedCommit<State>;
  /** Makes an external commit with true secrets, which may remove one leaf of anybody. */
  readonly join: (
    groupInfo: Info,
    device: Device,
    forged?: Omit<ForgedCommit, 'authenticatedData'>,
  ) => StagedCommit<State>;
  /** Changes a commit and signs it again. The confirmation tag stays. The state is that of a member. */
  readonly alter: (state: State, commit: Uint8Array, change: CommitChange, signer: Device) => Uint8Array;
  /** Returns the state with the number of another epoch. */
  readonly inEpoch: (state: State, epoch: number) => State;
  /** Whether a private key of a state opens a secret of a commit that ends its epoch. */
  readonly opensSecretOf: (state: State, commit: Uint8Array) => boolean;
}

/** An engine with an attacker of it. */
export interface AttackedEngine<State, Info extends GroupInfo> {
  readonly suite: CryptoSuite;
  readonly engine: GroupEngine<State, Info>;
  readonly attacker: Attacker<State, Info>;
}
