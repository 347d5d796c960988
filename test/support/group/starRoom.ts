import { nodeCipher } from '../../../src/crypto/nodeCipher.js';
import { asFernetKey, type FernetKey, type Token } from '../../../streams/client/envelope/cipher.js';
import type { MessageContent } from '../../../streams/client/envelope/messageContent.js';
import { createDevice } from '../../../streams/client/group/credential.js';
import { type Frame, openFrame, sealFrame } from '../../../streams/client/group/frame.js';
import type { GroupContext } from '../../../streams/client/group/groupEpoch.js';
import { formatGroupId, type RemovalRule } from '../../../streams/client/group/groupId.js';
import { createGroupSession, type GroupSession } from '../../../streams/client/group/groupSession.js';
import {
  createNewcomer,
  type GroupState,
  type MemberState,
} from '../../../streams/client/group/groupState.js';
import { createHpke, createStarEngine, type CryptoSuite } from '../../../streams/client/group/index.js';
import type { StarGroupInfo, StarState } from '../../../streams/client/group/index.js';
import { createKeySchedule } from '../../../streams/client/group/keySchedule.js';
import { createLabelledCrypto } from '../../../streams/client/group/labels.js';
import {
  type CommitRequest,
  createGroupInfoFrame,
  stageCommit,
  stageGroup,
  stageJoin,
} from '../../../streams/client/group/stageHandshake.js';
import type { StarCrypto } from '../../../streams/client/group/starTransition.js';
import type { Identity } from '../../../streams/client/envelope/identity.js';
import { toBase64url } from '../../../streams/wire/encoding.js';
import { seededRandom } from '../cryptoSuites.js';
import { seedOf } from '../groupFixture.js';

type Context = GroupContext<StarState, StarGroupInfo>;
type State = GroupState<StarState, StarGroupInfo>;
type Session = GroupSession<StarState, StarGroupInfo>;
export type StarMember = MemberState<StarState, StarGroupInfo>;

/** A device with the real engine, which reads the log at its own pace. */
export interface StarDevice {
  readonly name: string;
  readonly identity: Identity;
  readonly context: Context;
  readonly session: Session;
  readonly events: ReturnType<Session['open']>[number][];
  /** How many entries of the log it has read. */
  readCount: number;
}

export interface StarDeviceOptions {
  readonly label?: string;
  readonly slot?: number;
  /** The device starts from this state. */
  readonly state?: State;
}

/** A log of tokens, and devices that write to it and read from it: real engine, cipher and signatures. */
export interface StarRoom {
  readonly suite: CryptoSuite;
  readonly crypto: StarCrypto;
  readonly groupId: Uint8Array;
  readonly inviteSecret: Uint8Array;
  /** Derives the outer key from the secret of an invite. */
  readonly outerKeyOf: (inviteSecret: Uint8Array) => FernetKey;
  readonly log: Token[];
  readonly device: (name: string, options?: StarDeviceOptions) => StarDevice;
  /** The same device from the state that it has now: a backup, or a thief. */
  readonly copy: (device: StarDevice) => StarDevice;
  /** Appends a frame under the outer key of the invite. Returns its position. */
  readonly append: (frame: Frame) => number;
  /** The frame of an entry. */
  readonly frameAt: (position: number) => Frame;
  /** Lets devices read to the end of the log. */
  readonly read: (...devices: readonly StarDevice[]) => void;
  /** Lets a device read a token at the next position: a relay can send it anything. */
  readonly deliver: (device: StarDevice, token: Token) => void;
  readonly create: (device: StarDevice) => Frame;
  readonly join: (device: StarDevice, isResync?: boolean) => Frame;
  readonly commit: (device: StarDevice, request?: CommitRequest) => Frame;
  readonly send: (device: StarDevice, text: string) => Frame;
  readonly postGroupInfo: (device: StarDevice) => Frame;
}

export const memberOf = ({ session: { state }, name }: StarDevice): StarMember => {
  if (state.phase !== 'member') throw new Error(`${name} is a ${state.phase}`);
  return state;
};
export const epochOf = (device: StarDevice): number => memberOf(device).epoch.view.epoch;
export const leafOf = (device: StarDevice): number => memberOf(device).epoch.view.leaf;
export const engineStateOf = (device: StarDevice): StarState => memberOf(device).epoch.engineState;
export const authenticatorOf = (device: StarDevice): string =>
  toBase64url(memberOf(device).epoch.view.epochAuthenticator);
export const agree = (...devices: readonly StarDevice[]): boolean =>
  new Set(devices.map(authenticatorOf)).size === 1;
/** The labels of the members as a device knows them, with their identities: the roster. */
export const rosterOf = (device: StarDevice): readonly string[] =>
  memberOf(device).epoch.view.members.map(({ identity }) => identity);

/** The first lines that a device opened. */
export const textsOf = ({ events }: StarDevice): readonly string[] =>
  events.flatMap((event) => (event.type === 'opened' ? [event.envelope.lines[0] ?? ''] : []));
/** The last event of a device: its type, or the reason of a rejection. */
export const lastOf = ({ events }: StarDevice): string | undefined => {
  const event = events.at(-1);
  return event?.type === 'rejected' || event?.type === 'undecryptable' ? event.reason : event?.type;
};

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

export const identityOf = (name: string, suite: CryptoSuite): Identity => {
  const { publicKey, sign } = suite.ed25519.signingKey(seedOf(`identity ${name}`, suite));
  return { key: toBase64url(publicKey), sign: (message) => toBase64url(sign(message)) };
};

export interface StarRoomOptions {
  readonly removalRule?: RemovalRule;
  /** The person who creates the group. */
  readonly creator?: string;
}

export const starRoom = (
  createSuite: (randomBytes: CryptoSuite['randomBytes']) => CryptoSuite,
  { removalRule = 'creator', creator = 'alice' }: StarRoomOptions = {},
): StarRoom => {
  const suite = createSuite(seededRandom('star room'));
  const hpke = createHpke(suite);
  const engine = createStarEngine(suite);
  const cipher = nodeCipher();
  const crypto = {
    suite,
    hpke,
    labelled: createLabelledCrypto(suite, hpke),
    keySchedule: createKeySchedule(suite, hpke),
  };
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

  const createSession = (context: Context, state: State): Session =>
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
  const deliver = (device: StarDevice, token: Token): void => {
    device.readCount += 1;
    device.events.push(...device.session.open({ type: 'token', position: device.readCount, token }));
  };
  const staged = (
    { session }: StarDevice,
    handshake: { readonly state: State; readonly frame: Frame } | string,
  ): Frame => {
    if (typeof handshake === 'string') throw new Error(handshake);
    session.update(handshake.state);
    return appendFrame(handshake.frame);
  };
  const newcomerOf = ({ session: { state } }: StarDevice) => {
    if (state.phase !== 'newcomer') throw new Error('the device is in a group');
    return state;
  };

  return {
    suite,
    crypto,
    groupId,
    inviteSecret,
    outerKeyOf,
    log,
    device: (
      name,
      { label = 'laptop', slot = 0, state = createNewcomer<StarState, StarGroupInfo>() } = {},
    ) => {
      const identity = identityOf(name, suite);
      const key = suite.ed25519.signingKey(seedOf(`device ${name} ${label}`, suite));
      const context: Context = {
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
    join: (device, isResync) => {
      const { state } = device.session;
      if (state.phase === 'removed') throw new Error('the device was removed');
      return staged(device, stageJoin(device.context, state, isResync === undefined ? {} : { isResync }));
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

export interface StarRoomOfThree {
  readonly room: StarRoom;
  readonly alice: StarDevice;
  readonly bob: StarDevice;
  readonly carol: StarDevice;
}

/** A room of three members, who have read everything. `alice` created it. */
export const starRoomOfThree = (
  createSuite: (randomBytes: CryptoSuite['randomBytes']) => CryptoSuite,
  options: StarRoomOptions = {},
): StarRoomOfThree => {
  const room = starRoom(createSuite, options);
  const [alice, bob, carol] = [room.device('alice'), room.device('bob'), room.device('carol')];
  room.create(alice);
  for (const each of [bob, carol]) {
    room.read(alice, bob, carol);
    room.join(each);
  }
  room.read(alice, bob, carol);
  return { room, alice, bob, carol };
};
