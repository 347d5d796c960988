import { createHash } from 'node:crypto';
import { parseCredential } from '../../../streams/client/group/credential.js';
import type { SignatureScheme } from '../../../streams/client/group/cryptoSuite.js';
import type {
  Commit,
  CommitFailure,
  Device,
  GroupEngine,
  GroupInfo,
  Member,
} from '../../../streams/client/group/engine.js';
import { decodeText, encodeText, fromBase64url, toBase64url } from '../../../streams/wire/encoding.js';

/** The state of a member: its group, and a transcript of all commits that stands for the keys. */
export interface FakeState {
  readonly groupId: string;
  readonly epoch: number;
  readonly members: readonly Member[];
  readonly transcript: string;
  readonly leaf: number;
  readonly hasExporter: boolean;
}

export interface FakeInfo extends GroupInfo {
  readonly transcript: string;
}

interface FakeCommit {
  readonly groupId: string;
  readonly epoch: number;
  readonly isExternal: boolean;
  readonly committer: Member;
  readonly removed: readonly number[];
  readonly data: string;
  /** The transcript before the commit. */
  readonly transcript: string;
  readonly salt: number;
  /** The leaves for which the commit is invalid. */
  readonly invalidFor: readonly number[];
}

interface InfoFields {
  readonly groupId: string;
  readonly epoch: number;
  readonly members: readonly Member[];
  readonly transcript: string;
  readonly signer: number;
  readonly data: string;
}

const hash = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

const format = (value: unknown): Uint8Array => encodeText(JSON.stringify(value));
const parse = (bytes: Uint8Array): object | undefined => {
  try {
    const value: unknown = JSON.parse(decodeText(bytes) ?? '');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
};

const membersAfter = (members: readonly Member[], { removed, committer }: FakeCommit): readonly Member[] =>
  [...members.filter(({ leaf }) => !removed.includes(leaf) && leaf !== committer.leaf), committer].sort(
    (one, other) => one.leaf - other.leaf,
  );

const firstFree = (members: readonly Member[]): number => {
  let leaf = 0;
  while (members.some((each) => each.leaf === leaf)) leaf += 1;
  return leaf;
};

/** A group engine without any secrecy, on which commits can be made invalid for some members. */
export interface FakeEngine extends GroupEngine<FakeState, FakeInfo> {
  /** The leaves for which the next commits are invalid. */
  invalidFor: readonly number[];
}

/** Creates a deterministic engine for tests of the layer above. Its commits are readable JSON. */
export const fakeEngine = (signatures: Pick<SignatureScheme, 'verify'>): FakeEngine => {
  let salt = 0;
  const memberOf = ({ credential, publicKey }: Device, leaf: number): Member => ({
    leaf,
    ...parseCredential(credential, publicKey, signatures)!,
  });
  const apply = (state: Omit<FakeState, 'leaf' | 'hasExporter'>, bytes: Uint8Array, commit: FakeCommit) => ({
    groupId: state.groupId,
    epoch: state.epoch + 1,
    members: membersAfter(state.members, commit),
    transcript: hash(state.transcript, decodeText(bytes) ?? ''),
  });
  const describe = (members: readonly Member[], commit: FakeCommit): Commit => ({
    epoch: commit.epoch,
    isExternal: commit.isExternal,
    committer: commit.committer,
    removed: members.filter(({ leaf }) => commit.removed.includes(leaf)),
    authenticatedData: fromBase64url(commit.data)!,
  });
  const check = (
    state: Pick<FakeState, 'groupId' | 'epoch' | 'members' | 'transcript'>,
    commit: FakeCommit | undefined,
  ): CommitFailure | undefined => {
    if (commit?.committer === undefined) return 'malformed';
    if (commit.groupId !== state.groupId) return 'wrong group';
    if (commit.epoch !== state.epoch) return 'wrong epoch';
    return commit.transcript === state.transcript ? undefined : 'invalid signature';
  };
  const seal = (body: object): Uint8Array => format({ ...body, signature: hash(JSON.stringify(body)) });
  const unseal = (bytes: Uint8Array): InfoFields | undefined => {
    const parsed = parse(bytes) as (InfoFields & { signature: string }) | undefined;
    if (parsed === undefined) return undefined;
    const { signature, ...body } = parsed;
    return signature === hash(JSON.stringify(body)) ? body : undefined;
  };
  const bodyOf = (
    { groupId, epoch, members, transcript, leaf }: FakeState,
    data: Uint8Array = new Uint8Array(0),
  ): InfoFields => ({ groupId, epoch, members, transcript, signer: leaf, data: toBase64url(data) });
  const isBodyOf = (state: FakeState, bytes: Uint8Array, data?: Uint8Array): boolean => {
    const body = unseal(bytes);
    return (
      body !== undefined &&
      hash(JSON.stringify({ ...body, signer: state.leaf })) === hash(JSON.stringify(bodyOf(state, data)))
    );
  };
  const toInfo = ({ groupId, data, ...rest }: InfoFields): FakeInfo => ({
    ...rest,
    groupId: fromBase64url(groupId)!,
    applicationData: fromBase64url(data)!,
  });

  const engine: FakeEngine = {
    name: 'fake',
    invalidFor: [],
    createGroup: (groupId, device) => ({
      groupId: toBase64url(groupId),
      epoch: 0,
      members: [memberOf(device, 0)],
      transcript: hash(toBase64url(groupId)),
      leaf: 0,
      hasExporter: true,
    }),
    createCommit: (state, device, { remove = [], authenticatedData = new Uint8Array(0) } = {}) => {
      const { groupId, epoch, transcript } = state;
      const commit: FakeCommit = {
        groupId,
        epoch,
        isExternal: false,
        committer: memberOf(device, state.leaf),
        removed: remove,
        data: toBase64url(authenticatedData),
        transcript,
        salt: (salt += 1),
        invalidFor: engine.invalidFor,
      };
      const bytes = format(commit);
      return {
        commit: bytes,
        state: { ...apply(state, bytes, commit), leaf: state.leaf, hasExporter: true },
      };
    },
    createExternalCommit: (
      info,
      device,
      { isResync = false, authenticatedData = new Uint8Array(0) } = {},
    ) => {
      const own = memberOf(device, -1);
      const removed = info.members.filter(
        ({ identity, label, device: key }) =>
          isResync && (key === own.device || (identity === own.identity && label === own.label)),
      );
      const remaining = info.members.filter((each) => !removed.includes(each));
      if (remaining.some((each) => each.device === own.device)) return undefined;
      const committer = { ...own, leaf: firstFree(remaining) };
      const { epoch, transcript } = info;
      const commit: FakeCommit = {
        groupId: toBase64url(info.groupId),
        epoch,
        isExternal: true,
        committer,
        removed: removed.map(({ leaf }) => leaf),
        data: toBase64url(authenticatedData),
        transcript,
        salt: (salt += 1),
        invalidFor: engine.invalidFor,
      };
      const bytes = format(commit);
      const base = { groupId: commit.groupId, epoch, members: info.members, transcript };
      return {
        commit: bytes,
        state: { ...apply(base, bytes, commit), leaf: committer.leaf, hasExporter: true },
      };
    },
    processCommit: (state, bytes) => {
      const parsed = parse(bytes) as FakeCommit | undefined;
      const failure = check(state, parsed);
      if (failure !== undefined || parsed === undefined)
        return { kind: 'rejected', failure: failure ?? 'malformed' };
      const commit = describe(state.members, parsed);
      if (!parsed.isExternal && parsed.committer.leaf === state.leaf)
        return { kind: 'rejected', failure: 'own commit', commit };
      if (parsed.removed.includes(state.leaf)) return { kind: 'removed', commit };
      if (parsed.invalidFor.includes(state.leaf))
        return { kind: 'rejected', failure: 'invalid commit secret', commit };
      return {
        kind: 'accepted',
        commit,
        state: { ...apply(state, bytes, parsed), leaf: state.leaf, hasExporter: true },
      };
    },
    parseCommitHeader: (bytes) => {
      const commit = parse(bytes) as FakeCommit | undefined;
      return commit?.committer && { groupId: fromBase64url(commit.groupId)!, epoch: commit.epoch };
    },
    formatGroupInfo: (state, _, data) => seal(bodyOf(state, data)),
    parseGroupInfo: (bytes) => {
      const body = unseal(bytes);
      return body && toInfo(body);
    },
    isGroupInfoOf: isBodyOf,
    formatGroupInfoUpdate: (state, _, data) => seal(bodyOf(state, data)),
    isGroupInfoUpdateOf: isBodyOf,
    followCommit: (info, bytes, update) => {
      const parsed = parse(bytes) as FakeCommit | undefined;
      const state = { ...info, groupId: toBase64url(info.groupId) };
      const failure = check(state, parsed);
      if (failure !== undefined || parsed === undefined)
        return { kind: 'rejected', failure: failure ?? 'malformed' };
      const next = apply(state, bytes, parsed);
      const body = unseal(update);
      if (body?.transcript !== next.transcript)
        return {
          kind: 'rejected',
          failure: 'invalid group info update',
          commit: describe(info.members, parsed),
        };
      return {
        kind: 'accepted',
        commit: describe(info.members, parsed),
        groupInfo: toInfo({ ...body, members: next.members, epoch: next.epoch }),
      };
    },
    view: ({ groupId, epoch, members, leaf, transcript }) => ({
      groupId: fromBase64url(groupId)!,
      epoch,
      members,
      leaf,
      epochAuthenticator: fromBase64url(transcript)!,
    }),
    exportSecret: (state, label, context, lengthBytes = 32) => {
      if (!state.hasExporter) throw new Error('the exporter secret was dropped');
      const secret = fromBase64url(hash(state.transcript, label, toBase64url(context)))!;
      return secret.slice(0, lengthBytes);
    },
    dropExporterSecret: (state) => ({ ...state, hasExporter: false }),
    formatState: format,
    parseState: (bytes) => parse(bytes) as FakeState | undefined,
  };
  return engine;
};
