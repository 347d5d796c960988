import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { nodeCipher } from '../../../src/crypto/nodeCipher.js';
import { nodeSuite } from '../../../src/crypto/nodeSuite.js';
import type { Token } from '../../../streams/client/envelope/cipher.js';
import type { MessageContent } from '../../../streams/client/envelope/messageContent.js';
import { applyFrame } from '../../../streams/client/group/applyFrame.js';
import { type Frame, formatFrame, parseFrame } from '../../../streams/client/group/frame.js';
import type { GroupContext } from '../../../streams/client/group/groupEpoch.js';
import {
  changeLog,
  createNewcomer,
  type GroupEvent,
  type GroupState,
} from '../../../streams/client/group/groupState.js';
import {
  createHpke,
  createStarEngine,
  type StarGroupInfo,
  type StarState,
} from '../../../streams/client/group/index.js';
import { stageLeave } from '../../../streams/client/group/leaving.js';
import {
  createExternalSender,
  type ExternalSender,
  sealExternalMessage,
  sealMessage,
} from '../../../streams/client/group/sealMessage.js';
import { formatGroupContext } from '../../../streams/client/group/starGroup.js';
import {
  createGroupInfoFrame,
  stageCommit,
  stageGroup,
  stageJoin,
} from '../../../streams/client/group/stageHandshake.js';
import { fromHex, hex } from '../cryptoSuites.js';
import { PYTHON } from '../python.js';
import { deviceOf, identityOf } from './devices.js';

/** What an entry of the log meant to a device, and where the device is after it. */
export interface Reading {
  /** In words that two implementations have in common. What changes nothing is `nothing`, for any reason. */
  readonly events: readonly string[];
  readonly epoch: number;
  readonly context: string;
  /** Empty if the device is not a member. */
  readonly authenticator: string;
}

/** A device of one implementation. It can remove other leaves that are there. What it makes is a formatted frame, or `undefined` if it is not possible. */
export interface ComparedDevice {
  readonly mark: number;
  readonly take: (position: number, frame: Uint8Array) => Promise<Reading>;
  readonly changeLog: () => Promise<unknown>;
  readonly create: (groupId: Uint8Array) => Promise<Uint8Array | undefined>;
  readonly join: () => Promise<Uint8Array | undefined>;
  readonly commit: (
    position: number,
    removed: readonly number[],
    secret?: Uint8Array,
  ) => Promise<Uint8Array | undefined>;
  readonly message: (content: MessageContent) => Promise<Uint8Array | undefined>;
  readonly external: (content: MessageContent) => Promise<Uint8Array | undefined>;
  readonly groupInfo: () => Promise<Uint8Array | undefined>;
  readonly leave: () => Promise<Uint8Array | undefined>;
}

export type StarContext = GroupContext<StarState, StarGroupInfo>;

/** A device of this project, with its state. */
export interface OwnDevice extends ComparedDevice {
  readonly context: StarContext;
  state: GroupState<StarState, StarGroupInfo>;
}

const suite = nodeSuite();
const engine = createStarEngine(suite);
const cipher = nodeCipher();

const wordsOf = (event: GroupEvent): readonly (readonly unknown[])[] => {
  switch (event.type) {
    case 'opened':
      return [[event.sender ? 'message' : 'external', event.envelope.key, ...event.envelope.lines]];
    case 'epoch': {
      const { change, committer, removed, move } = event;
      const epoch = ['epoch', change, committer.leaf, removed.map(({ leaf }) => leaf)];
      return move ? [epoch, ['moved', move.secret ? hex(move.secret) : null]] : [epoch];
    }
    case 'void':
      return [['void']];
    case 'behind':
      return [['behind']];
    case 'removed':
      return [['removed', event.committer?.leaf ?? null]];
    case 'beforeJoin':
      return event.from === event.to ? [['void']] : [];
    default:
      return [['nothing']];
  }
};

const namesOf = (words: readonly (readonly unknown[])[]): readonly string[] => {
  const names = words.map((each) => JSON.stringify(each)).filter((each) => each !== '["nothing"]');
  return names.length > 0 ? names : ['nothing'];
};

/** Creates a device of this project. */
export const ownDevice = (mark: number, groupIdHash: Uint8Array): OwnDevice => {
  const device = deviceOf(mark);
  const hpke = createHpke(suite);
  const context: StarContext = { engine, suite, hpke, cipher, device, groupIdHash, forgetMs: 0, slot: 0 };
  let sender: ExternalSender | undefined;
  const own: OwnDevice = {
    mark,
    context,
    state: createNewcomer(),
    take: (position, bytes) => {
      const frame = parseFrame(bytes);
      const token = '' as Token;
      let events: readonly GroupEvent[] = [];
      if (frame !== undefined) {
        const step = applyFrame(context, own.state, { position, token, frame, timeMs: 0 });
        own.state = step.state;
        events = step.events;
      }
      const { state } = own;
      const member = state.phase === 'member' ? state.epoch : undefined;
      const group = member?.engineState.group ?? (state.phase === 'newcomer' ? state.groupInfo : undefined);
      return Promise.resolve({
        events: namesOf(events.flatMap(wordsOf)),
        epoch: group?.epoch ?? -1,
        context: group ? hex(formatGroupContext(group)) : '',
        authenticator: member ? hex(member.view.epochAuthenticator) : '',
      });
    },
    changeLog: () => Promise.resolve((own.state = changeLog(own.state))),
    create: (groupId) => {
      if (own.state.phase !== 'newcomer') return Promise.resolve(undefined);
      return adopt(stageGroup(context, own.state, groupId));
    },
    join: () => (own.state.phase === 'newcomer' ? adopt(stageJoin(context, own.state)) : nothing()),
    commit: (_, removed, inviteSecret) => {
      const { state } = own;
      if (state.phase !== 'member') return nothing();
      const { leaf, members } = state.epoch.view;
      const remove = removed.filter((index) => index !== leaf && members.some((each) => each.leaf === index));
      return adopt(stageCommit(context, state, { remove, ...(inviteSecret && { inviteSecret }) }));
    },
    message: (content) =>
      own.state.phase === 'member' ? adopt(sealMessage(context, own.state, content)) : nothing(),
    external: (content) => {
      const info = own.state.phase === 'newcomer' ? own.state.groupInfo : undefined;
      if (info === undefined) return nothing();
      const current = sender?.epoch === info.epoch ? sender : createExternalSender(context, info);
      if (current === undefined) return nothing();
      const sealed = sealExternalMessage(context, current, content, identityOf(mark));
      sender = sealed.sender;
      return Promise.resolve(formatFrame(sealed.frame));
    },
    groupInfo: () =>
      own.state.phase === 'member'
        ? Promise.resolve(formatFrame(createGroupInfoFrame(context, own.state)))
        : nothing(),
    leave: () =>
      own.state.phase === 'member' ? Promise.resolve(formatFrame(stageLeave(context, own.state))) : nothing(),
  };
  const nothing = (): Promise<undefined> => Promise.resolve(undefined);
  const adopt = (
    staged: { state: OwnDevice['state']; frame: Frame } | string,
  ): Promise<Uint8Array | undefined> => {
    if (typeof staged === 'string') return nothing();
    own.state = staged.state;
    return Promise.resolve(formatFrame(staged.frame));
  };
  return own;
};

/** A process with devices of the Python example. */
export interface PythonDevices {
  readonly device: (mark: number, groupIdHash: Uint8Array) => Promise<ComparedDevice>;
  readonly end: () => Promise<unknown>;
}

interface Answer {
  readonly frame?: string;
  readonly events?: readonly (readonly unknown[])[];
}

const EXAMPLES = fileURLToPath(new URL('../../../examples/python', import.meta.url));
const SCRIPT = fileURLToPath(new URL('group_devices.py', import.meta.url));

/** Starts a process with devices of the Python example. */
export const startPythonDevices = (): PythonDevices => {
  const child: ChildProcessWithoutNullStreams = spawn(PYTHON ?? 'python3', ['-B', SCRIPT, EXAMPLES]);
  const waiting: ((line: string) => void)[] = [];
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
  const closed = once(child, 'close');
  // The answer of a process that failed.
  child.once('close', () => {
    for (const each of waiting.splice(0)) each(JSON.stringify({ failed: errors }));
  });
  const ask = async (name: string, what: string, fields: object = {}): Promise<Answer> => {
    const line = await new Promise<string>((resolve) => {
      waiting.push(resolve);
      child.stdin.write(`${JSON.stringify({ name, do: what, ...fields })}\n`);
    });
    const answer = JSON.parse(line) as Answer & { failed?: string };
    if (answer.failed !== undefined) throw new Error(answer.failed);
    return answer;
  };

  const device = async (mark: number, groupIdHash: Uint8Array): Promise<ComparedDevice> => {
    const name = `python ${mark}`;
    const seedOf = (byte: number): string => hex(new Uint8Array(32).fill(byte));
    const seeds = { identitySeed: seedOf(mark), deviceSeed: seedOf(100 + mark), label: 'laptop' };
    await ask(name, 'new', { ...seeds, groupHash: hex(groupIdHash) });
    const make = async (what: string, fields: object = {}): Promise<Uint8Array | undefined> => {
      const { frame } = await ask(name, what, fields);
      return frame === undefined ? undefined : fromHex(frame);
    };
    const body = ({ lines: [text], session, counter, time, stored }: MessageContent, external: boolean) =>
      make('body', { text, external, fields: { session, counter, time, stored } });
    return {
      mark,
      take: async (position, frame) => {
        const answer = (await ask(name, 'take', { position, frame: hex(frame) })) as Answer & Reading;
        const words = (answer.events as unknown as readonly (readonly unknown[])[]).map((each) =>
          ['nothing', 'leaving', 'followed'].includes(String(each[0])) ? ['nothing'] : each,
        );
        const { epoch, context, authenticator } = answer;
        return { events: namesOf(words), epoch, context, authenticator };
      },
      changeLog: () => ask(name, 'changeLog'),
      create: (groupId) => make('create', { groupId: hex(groupId) }),
      join: () => make('join'),
      commit: (position, removed, secret) =>
        make('commit', { position, removed, secret: secret ? hex(secret) : null }),
      message: (content) => body(content, false),
      external: (content) => body(content, true),
      groupInfo: () => make('info'),
      leave: () => make('leave'),
    };
  };
  return {
    device,
    end: () => {
      child.stdin.end();
      return closed;
    },
  };
};
