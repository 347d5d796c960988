import { nodeCipher } from '../../../src/crypto/nodeCipher.js';
import { nodeSuite } from '../../../src/crypto/nodeSuite.js';
import type { Token } from '../../../streams/client/envelope/cipher.js';
import type { MessageContent } from '../../../streams/client/envelope/messageContent.js';
import { applyFrame } from '../../../streams/client/group/applyFrame.js';
import { type Frame, formatFrame, parseFrame } from '../../../streams/client/group/frame.js';
import type { GroupContext } from '../../../streams/client/group/groupEpoch.js';
import { formatGroupId, type RemovalRule } from '../../../streams/client/group/groupId.js';
import {
  createNewcomer,
  type FrameEntry,
  type GroupEvent,
  type GroupState,
  type MemberState,
} from '../../../streams/client/group/groupState.js';
import type { GroupEngine, GroupInfo } from '../../../streams/client/group/engine.js';
import { createHpke } from '../../../streams/client/group/hpke.js';
import { stageLeave } from '../../../streams/client/group/leaving.js';
import { sealMessage } from '../../../streams/client/group/sealMessage.js';
import {
  type CommitRequest,
  createGroupInfoFrame,
  stageCommit,
  stageGroup,
  stageJoin,
} from '../../../streams/client/group/stageHandshake.js';
import { toBase64url } from '../../../streams/wire/encoding.js';
import { seededRandom } from '../cryptoSuites.js';
import { deviceOf, ed25519, identityOf } from './devices.js';
import { type FakeEngine, fakeEngine, type FakeInfo, type FakeState } from './fakeEngine.js';

/** A device that reads the log at its own pace. */
export interface TestDevice<State = FakeState, Info extends GroupInfo = FakeInfo> {
  readonly mark: number;
  readonly context: GroupContext<State, Info>;
  state: GroupState<State, Info>;
  readonly events: GroupEvent[];
  /** Its messages without a receipt, oldest first. Each epoch makes them void. */
  outbox: readonly MessageContent[];
  /** How many entries of the log it has read. */
  readCount: number;
}

/** A log, and devices that write to it and read from it. */
export interface RoomOn<State, Info extends GroupInfo> {
  readonly log: Frame[];
  readonly groupId: Uint8Array;
  /** The time at which entries arrive. */
  nowMs: number;
  /** Appends a frame as the relay does, through its format. Returns its position. */
  readonly append: (frame: Frame) => number;
  readonly device: (mark: number, more?: Partial<GroupContext<State, Info>>) => TestDevice<State, Info>;
  /** Lets devices read to the end of the log. */
  readonly readAll: (...devices: readonly TestDevice<State, Info>[]) => void;
  /** Lets a device read one entry. At an epoch it sends again what it has in its outbox. */
  readonly readOne: (device: TestDevice<State, Info>) => boolean;
  /** Lets a device read again what it has read, from a position on. Returns the events. */
  readonly reread: (device: TestDevice<State, Info>, from?: number) => readonly GroupEvent[];
  readonly create: (device: TestDevice<State, Info>) => void;
  readonly join: (device: TestDevice<State, Info>) => void;
  readonly commit: (device: TestDevice<State, Info>, request?: CommitRequest) => string | undefined;
  readonly send: (device: TestDevice<State, Info>, text: string) => void;
  readonly postGroupInfo: (device: TestDevice<State, Info>) => void;
  readonly leave: (device: TestDevice<State, Info>) => void;
}

/** A room on an engine without cryptography. */
export interface TestRoom extends RoomOn<FakeState, FakeInfo> {
  readonly engine: FakeEngine;
}

/** The state of a device that is a member. */
export const memberState = <State, Info extends GroupInfo>({
  state,
}: TestDevice<State, Info>): MemberState<State, Info> => {
  if (state.phase !== 'member') throw new Error(`the device is a ${state.phase}`);
  return state;
};

/** What a device opened: the first lines. */
export const textsOf = <State, Info extends GroupInfo>({
  events,
}: TestDevice<State, Info>): readonly string[] =>
  events.flatMap((event) => (event.type === 'opened' ? [event.envelope.lines[0]!] : []));

/** The types of the events of a device, or the reason of a rejection. */
export const typesOf = <State, Info extends GroupInfo>({
  events,
}: TestDevice<State, Info>): readonly string[] =>
  events.map((event) => (event.type === 'rejected' ? event.reason : event.type));

export const lastEvent = <State, Info extends GroupInfo>({
  events,
}: TestDevice<State, Info>): GroupEvent | undefined => events.at(-1);

/** Whether all devices are members of the same epoch with the same keys. */
export const agree = <State, Info extends GroupInfo>(
  ...devices: readonly TestDevice<State, Info>[]
): boolean =>
  new Set(devices.map((each) => toBase64url(memberState(each).epoch.view.epochAuthenticator))).size === 1;

export interface TestRoomOptions {
  /** The mark of the person who creates the group. */
  readonly creator?: number;
  readonly removalRule?: RemovalRule;
}

export const testRoom = (options: TestRoomOptions = {}): TestRoom => {
  const engine = fakeEngine(ed25519);
  return Object.assign(roomOn(engine, options), { engine });
};

/** A room on any engine whose methods return at once. */
export const roomOn = <State, Info extends GroupInfo>(
  engine: GroupEngine<State, Info>,
  { creator = 1, removalRule = 'creator' }: TestRoomOptions = {},
): RoomOn<State, Info> => {
  const suite = { ...nodeSuite({ randomBytes: seededRandom('room') }), ed25519 };
  const groupId = formatGroupId({
    removalRule,
    creator: identityOf(creator).key,
    random: new Uint8Array(16).fill(9),
  });
  const groupIdHash = suite.sha256(groupId);
  const log: Frame[] = [];
  const counters = new Map<number, number>();

  const append = (frame: Frame): number => log.push(parseFrame(formatFrame(frame))!);
  const contentOf = (device: TestDevice<State, Info>, text: string): MessageContent => {
    const counter = (counters.get(device.mark) ?? 0) + 1;
    counters.set(device.mark, counter);
    const session = toBase64url(new Uint8Array(16).fill(device.mark));
    return { nick: `nick${device.mark}`, lines: [text], session, counter, time: counter, stored: 0 };
  };
  const sendContent = (device: TestDevice<State, Info>, content: MessageContent) => {
    const { state, frame } = sealMessage(device.context, memberState(device), content);
    device.state = state;
    append(frame);
  };
  const applyAt = (
    device: TestDevice<State, Info>,
    position: number,
    frame: Frame,
  ): readonly GroupEvent[] => {
    const entry: FrameEntry = { position, token: `token ${position}` as Token, frame, timeMs: room.nowMs };
    const { state, events } = applyFrame(device.context, device.state, entry);
    device.state = state;
    return events;
  };
  const readOne = (device: TestDevice<State, Info>): boolean => {
    const frame = log[device.readCount];
    if (frame === undefined) return false;
    device.readCount += 1;
    const events = applyAt(device, device.readCount, frame);
    device.events.push(...events);
    const { state } = device;
    const isIn = state.phase === 'member' && !state.hasMoved;
    for (const event of events) {
      if (event.type === 'opened')
        device.outbox = device.outbox.filter(
          ({ session, counter }) => session !== event.envelope.session || counter !== event.envelope.counter,
        );
      if (event.type === 'epoch' && isIn) for (const each of device.outbox) sendContent(device, each);
    }
    return true;
  };

  const room: RoomOn<State, Info> = {
    log,
    groupId,
    nowMs: 0,
    append,
    device: (mark, more = {}) => ({
      mark,
      context: {
        engine,
        suite,
        hpke: createHpke(suite),
        cipher: nodeCipher(),
        device: deviceOf(mark),
        groupIdHash,
        forgetMs: 0,
        slot: 0,
        ...more,
      },
      state: createNewcomer(),
      events: [],
      outbox: [],
      readCount: 0,
    }),
    readOne,
    reread: (device, from = 1) =>
      log.slice(from - 1, device.readCount).flatMap((frame, index) => applyAt(device, from + index, frame)),
    readAll: (...devices) => {
      while (devices.map(readOne).includes(true));
    },
    create: (device) => {
      if (device.state.phase !== 'newcomer') throw new Error('the device is in a group');
      const { state, frame } = stageGroup(device.context, device.state, groupId);
      device.state = state;
      append(frame);
    },
    join: (device) => {
      const { state } = device;
      if (state.phase === 'removed') throw new Error('the device was removed');
      const staged = stageJoin(device.context, state);
      if (typeof staged === 'string') throw new Error(staged);
      device.state = staged.state;
      append(staged.frame);
    },
    commit: (device, request = {}) => {
      const staged = stageCommit(device.context, memberState(device), request);
      if (typeof staged === 'string') return staged;
      device.state = staged.state;
      append(staged.frame);
      return undefined;
    },
    send: (device, text) => {
      const content = contentOf(device, text);
      sendContent(device, content);
      device.outbox = [...device.outbox, content];
    },
    postGroupInfo: (device) => {
      append(createGroupInfoFrame(device.context, memberState(device)));
    },
    leave: (device) => {
      append(stageLeave(device.context, memberState(device)));
    },
  };
  return room;
};

export interface ThreeMembersOn<State, Info extends GroupInfo> {
  readonly room: RoomOn<State, Info>;
  readonly alice: TestDevice<State, Info>;
  readonly bob: TestDevice<State, Info>;
  readonly carol: TestDevice<State, Info>;
}

export interface ThreeMembers extends ThreeMembersOn<FakeState, FakeInfo> {
  readonly room: TestRoom;
}

/** Three devices come into an empty room. They have read everything. */
export const joinThree = <State, Info extends GroupInfo>(
  room: RoomOn<State, Info>,
): Omit<ThreeMembersOn<State, Info>, 'room'> => {
  const [alice, bob, carol] = [room.device(1), room.device(2), room.device(3)];
  room.create(alice);
  for (const each of [bob, carol]) {
    room.readAll(alice, bob, carol);
    room.join(each);
  }
  room.readAll(alice, bob, carol);
  return { alice, bob, carol };
};

/** A room of three members, who have read everything. */
export const roomOfThree = (options: TestRoomOptions = {}): ThreeMembers => {
  const room = testRoom(options);
  return { room, ...joinThree(room) };
};
