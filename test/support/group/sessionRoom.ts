import { nodeCipher } from '../../../src/crypto/nodeCipher.js';
import { asFernetKey, type FernetKey, type Token } from '../../../streams/client/envelope/cipher.js';
import type { MessageContent } from '../../../streams/client/envelope/messageContent.js';
import { createDevice } from '../../../streams/client/group/credential.js';
import type { StagedCommit } from '../../../streams/client/group/engine.js';
import { type Frame, openFrame, sealFrame } from '../../../streams/client/group/frame.js';
import { beginEpoch, type GroupContext } from '../../../streams/client/group/groupEpoch.js';
import { formatGroupId, type RemovalRule } from '../../../streams/client/group/groupId.js';
import { formatUpdateData } from '../../../streams/client/group/groupInfoData.js';
import { createGroupSession, type GroupSession } from '../../../streams/client/group/groupSession.js';
import { createNewcomer, type GroupState } from '../../../streams/client/group/groupState.js';
import { createHpke, type CryptoSuite, type GroupInfo } from '../../../streams/client/group/index.js';
import {
  type CommitRequest,
  createGroupInfoFrame,
  stageCommit,
  stageGroup,
  stageJoin,
} from '../../../streams/client/group/stageHandshake.js';
import type { Identity } from '../../../streams/client/envelope/identity.js';
import { toBase64url } from '../../../streams/wire/encoding.js';
import { seedOf } from '../groupFixture.js';
import type { AttackedEngine, Attacker } from './attackedEngine.js';
import { memberOf, type SessionDevice, type SessionDeviceOptions } from './sessionDevice.js';

/** A log of tokens, and devices that write to it and read from it: real engine, cipher and signatures. */
export interface SessionRoom<State, Info extends GroupInfo> {
  readonly suite: CryptoSuite;
  readonly attacker: Attacker<State, Info>;
  readonly groupId: Uint8Array;
  readonly inviteSecret: Uint8Array;
  /** Derives the outer key from the secret of an invite. */
  readonly outerKeyOf: (inviteSecret: Uint8Array) => FernetKey;
  readonly log: Token[];
  readonly device: (name: string, options?: SessionDeviceOptions<State, Info>) => SessionDevice<State, Info>;
  /** The same device from the state that it has now: a backup, or a thief. */
  readonly copy: (device: SessionDevice<State, Info>) => SessionDevice<State, Info>;
  /** Appends a frame under the outer key of the invite. Returns its position. */
  readonly append: (frame: Frame) => number;
  /** The frame of an entry. */
  readonly frameAt: (position: number) => Frame;
  /** Lets devices read to the end of the log. */
  readonly read: (...devices: readonly SessionDevice<State, Info>[]) => void;
  /** Lets a device read a token at the next position: a relay can send it anything. */
  readonly deliver: (device: SessionDevice<State, Info>, token: Token) => void;
  readonly create: (device: SessionDevice<State, Info>) => Frame;
  readonly join: (device: SessionDevice<State, Info>) => Frame;
  readonly commit: (device: SessionDevice<State, Info>, request?: CommitRequest) => Frame;
  readonly send: (device: SessionDevice<State, Info>, text: string) => Frame;
  readonly postGroupInfo: (device: SessionDevice<State, Info>) => Frame;
}

const EMPTY = new Uint8Array(0);

/** A frame of a commit. */
export const commitFrame = (commit: Uint8Array, groupInfoUpdate: Uint8Array = EMPTY): Frame => ({
  type: 'commit',
  commit,
  groupInfoUpdate,
  sealedInviteSecret: EMPTY,
});

/** Returns the commit and the group info update of a frame. */
export const partsOf = (
  frame: Frame,
): { readonly commit: Uint8Array; readonly groupInfoUpdate: Uint8Array } => {
  if (frame.type !== 'commit') throw new TypeError(`a commit is expected, not a ${frame.type}`);
  return frame;
};

/** The frame of a forged commit, with the right group info update. */
export const frameOf = <State, Info extends GroupInfo>(
  { context }: SessionDevice<State, Info>,
  { commit, state }: StagedCommit<State>,
): Frame => {
  const { epoch } = beginEpoch(context, state, { committer: undefined, start: 0 });
  const update = context.engine.formatGroupInfoUpdate(state, context.device, formatUpdateData(epoch));
  return commitFrame(commit, update);
};

export const identityOf = (name: string, suite: CryptoSuite): Identity => {
  const { publicKey, sign } = suite.ed25519.signingKey(seedOf(`identity ${name}`, suite));
  return { key: toBase64url(publicKey), sign: (message) => toBase64url(sign(message)) };
};

export interface SessionRoomOptions {
  readonly removalRule?: RemovalRule;
  /** The person who creates the group. */
  readonly creator?: string;
}

export const sessionRoom = <State, Info extends GroupInfo>(
  { suite, engine, attacker }: AttackedEngine<State, Info>,
  { removalRule = 'creator', creator = 'alice' }: SessionRoomOptions = {},
): SessionRoom<State, Info> => {
  const hpke = createHpke(suite);
  const cipher = nodeCipher();
  const groupId = formatGroupId({
    removalRule,
    creator: identityOf(creator, suite).key,
    random: new Uint8Array(16).fill(9),
  });
  const outerKeyOf = (secret: Uint8Array): FernetKey => asFernetKey(suite.sha256(secret));
  const inviteSecret = new Uint8Array(32).fill(1);
  const outerKey = outerKeyOf(inviteSecret);
  const log: Token[] = [];
  let counter = 0;

  const createSession = (
    context: GroupContext<State, Info>,
    state: GroupState<State, Info>,
  ): GroupSession<State, Info> =>
    createGroupSession({ context, state, outerKey, deriveOuterKey: outerKeyOf, now: () => 0 });
  const append = (frame: Frame): number => log.push(sealFrame(cipher, outerKey, frame, 0));
  const appendFrame = (frame: Frame): Frame => {
    append(frame);
    return frame;
  };
  const frameAt = (position: number): Frame => {
    const frame = openFrame(cipher, outerKey, log[position - 1] ?? ('' as Token));
    if (typeof frame === 'string') throw new Error(`entry ${position}: ${frame}`);
    return frame;
  };
  const deliver = (device: SessionDevice<State, Info>, token: Token): void => {
    device.readCount += 1;
    device.events.push(...device.session.open({ type: 'token', position: device.readCount, token }));
  };
  const staged = (
    { session }: SessionDevice<State, Info>,
    handshake: { readonly state: GroupState<State, Info>; readonly frame: Frame } | string,
  ): Frame => {
    if (typeof handshake === 'string') throw new Error(handshake);
    session.update(handshake.state);
    return appendFrame(handshake.frame);
  };
  const newcomerOf = ({ session: { state } }: SessionDevice<State, Info>) => {
    if (state.phase !== 'newcomer') throw new Error('the device is in a group');
    return state;
  };

  return {
    suite,
    attacker,
    groupId,
    inviteSecret,
    outerKeyOf,
    log,
    device: (name, { label = 'laptop', slot = 0, state = createNewcomer<State, Info>() } = {}) => {
      const identity = identityOf(name, suite);
      const key = suite.ed25519.signingKey(seedOf(`device ${name} ${label}`, suite));
      const context: GroupContext<State, Info> = {
        engine,
        suite,
        hpke,
        cipher,
        device: createDevice(key, identity, label),
        groupIdHash: suite.sha256(groupId),
        forgetMs: 0,
        slot,
      };
      return { name, identity, context, session: createSession(context, state), events: [], readCount: 0 };
    },
    copy: (device) => ({
      ...device,
      session: createSession(device.context, device.session.state),
      events: [],
    }),
    append,
    frameAt,
    deliver,
    read: (...devices) => {
      for (const device of devices)
        for (let token = log[device.readCount]; token !== undefined; token = log[device.readCount])
          deliver(device, token);
    },
    create: (device) => staged(device, stageGroup(device.context, newcomerOf(device), groupId)),
    join: (device) => {
      const { state } = device.session;
      if (state.phase === 'removed') throw new Error('the device was removed');
      return staged(device, stageJoin(device.context, state));
    },
    commit: (device, request = {}) => staged(device, stageCommit(device.context, memberOf(device), request)),
    send: (device, text) => {
      counter += 1;
      const content: MessageContent = {
        nick: device.name,
        lines: [text],
        session: 'A'.repeat(22),
        counter,
        time: 0,
        stored: 0,
      };
      log.push(device.session.seal(content));
      return frameAt(log.length);
    },
    postGroupInfo: (device) => appendFrame(createGroupInfoFrame(device.context, memberOf(device))),
  };
};

export interface SessionRoomOfThree<State, Info extends GroupInfo> {
  readonly room: SessionRoom<State, Info>;
  readonly alice: SessionDevice<State, Info>;
  readonly bob: SessionDevice<State, Info>;
  readonly carol: SessionDevice<State, Info>;
}

/** A room of three members, who have read everything. `alice` created it. */
export const sessionRoomOfThree = <State, Info extends GroupInfo>(
  attacked: AttackedEngine<State, Info>,
  options: SessionRoomOptions = {},
): SessionRoomOfThree<State, Info> => {
  const room = sessionRoom(attacked, options);
  const [alice, bob, carol] = [room.device('alice'), room.device('bob'), room.device('carol')];
  room.create(alice);
  for (const each of [bob, carol]) {
    room.read(alice, bob, carol);
    room.join(each);
  }
  room.read(alice, bob, carol);
  return { room, alice, bob, carol };
};
