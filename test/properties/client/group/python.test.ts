import { describe, expect } from '@jest/globals';
import type { MessageContent } from '../../../../streams/client/envelope/messageContent.js';
import {
  formatCommitData,
  inviteSecretMessage,
  leaveMessage,
  removalGrantMessage,
} from '../../../../streams/client/group/commitData.js';
import { type CommitFrame, formatFrame } from '../../../../streams/client/group/frame.js';
import { formatGroupId } from '../../../../streams/client/group/groupId.js';
import { type Commit, createHpke, createKeySchedule } from '../../../../streams/client/group/index.js';
import { createLabelledCrypto } from '../../../../streams/client/group/labels.js';
import { lowestFreeIndex, withoutLeaves } from '../../../../streams/client/group/starGroup.js';
import { stageCommit } from '../../../../streams/client/group/starTransition.js';
import { fromBase64url, toBase64url } from '../../../../streams/wire/encoding.js';
import { type Random, random } from '../../../fuzz/random.js';
import { flipBit } from '../../../support/cryptoSuites.js';
import {
  type ComparedDevice,
  type OwnDevice,
  ownDevice,
  type PythonDevices,
  type Reading,
  startPythonDevices,
} from '../../../support/group/comparedDevice.js';
import { deviceOf, identityOf } from '../../../support/group/devices.js';
import { withPython } from '../../../support/python.js';

const test = withPython('no group room was compared with another implementation');

const STEPS = Number(process.env['RXCHAT_GROUP_STEPS'] ?? 400);
const SEEDS = Array.from({ length: Number(process.env['RXCHAT_GROUP_SEEDS'] ?? 4) }, (_, at) => at + 1);
/** What entries can mean to a member, by the first word. */
const MEANINGS = ['epoch', 'external', 'message', 'moved', 'nothing', 'removed', 'void'];

/** A device in the log, with what it read. */
interface Participant {
  readonly device: ComparedDevice;
  /** How many entries it has read of this log. */
  readCount: number;
  reading: Reading;
  isRemoved: boolean;
  /** The position of its newest handshake: it makes no other one before it has read it. */
  handshake: number;
}

const NOTHING: Reading = { events: [], epoch: -1, context: '', authenticator: '' };
const isMember = ({ reading }: Participant): boolean => reading.authenticator !== '';
const isOwn = (device: ComparedDevice): device is OwnDevice => 'context' in device;

/** A log that devices of both implementations write and read at their own pace. */
class MixedRoom {
  private log: Uint8Array[] = [];
  private participants: Participant[] = [];
  /** What the members of each epoch made of each entry. */
  private meanings = new Map<string, string>();
  private hasMoved = false;
  private counter = 0;
  private mark = 0;
  private readonly chance: Random;
  private readonly python: PythonDevices;
  private readonly groupId: Uint8Array;
  private readonly groupIdHash: Uint8Array;
  /** How often each meaning occurred. */
  private readonly counts: Map<string, number>;

  constructor(seed: number, python: PythonDevices, counts: Map<string, number>) {
    this.counts = counts;
    this.chance = random(seed);
    this.python = python;
    const creator = identityOf(1).key;
    const removalRule = seed % 2 === 0 ? 'anyone' : 'creator';
    this.groupId = formatGroupId({ removalRule, creator, random: new Uint8Array(16).fill(seed) });
    this.groupIdHash = ownDevice(1, new Uint8Array(32)).context.suite.sha256(this.groupId);
  }

  private async add(): Promise<Participant> {
    this.mark += 1;
    const isPython = this.chance.below(2) === 0;
    const device = isPython
      ? await this.python.device(this.mark, this.groupIdHash)
      : ownDevice(this.mark, this.groupIdHash);
    const participant = { device, readCount: 0, reading: NOTHING, isRemoved: false, handshake: 0 };
    this.participants.push(participant);
    return participant;
  }

  private append(frame: Uint8Array | undefined): void {
    if (frame !== undefined) this.log.push(frame);
  }

  /** Lets a participant read an entry, and compares what it means with what it means to the others. */
  private async readOne(participant: Participant): Promise<void> {
    const frame = this.log[participant.readCount];
    if (frame === undefined || participant.isRemoved) return;
    participant.readCount += 1;
    const position = participant.readCount;
    const wasMember = isMember(participant);
    const before = participant.reading;
    const reading = await participant.device.take(position, frame);
    participant.reading = reading;
    this.hasMoved ||= reading.events.some((each) => each.startsWith('["moved"'));
    participant.isRemoved = wasMember && !isMember(participant);
    const { events, context, authenticator } = reading;
    const what = wasMember
      ? { before: before.authenticator, events, authenticator: participant.isRemoved ? '' : authenticator }
      : { context };
    if (wasMember) {
      const key = `${position} of the members of ${before.context}${participant.isRemoved ? ' who are removed' : ''}`;
      this.compare(key, what, participant);
      for (const each of events) {
        const name = each.split(/[",[\]]+/)[1] ?? each;
        this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      }
    } else if (authenticator === '')
      this.compare(`${position} of newcomers at ${before.context}`, what, participant);
  }

  private compare(key: string, what: object, { device }: Participant): void {
    const meaning = JSON.stringify(what);
    const known = this.meanings.get(key) ?? meaning;
    this.meanings.set(key, known);
    if (known !== meaning)
      throw new Error(
        `${isOwn(device) ? 'own' : 'Python'} ${device.mark} at ${key}: ${meaning}, others: ${known}`,
      );
  }

  private async readAll(): Promise<void> {
    for (const each of this.participants)
      while (!each.isRemoved && each.readCount < this.log.length) await this.readOne(each);
  }

  private content(text: string): MessageContent {
    this.counter += 1;
    const session = toBase64url(new Uint8Array(16).fill(this.counter % 256));
    return { nick: 'nick', lines: [text], session, counter: this.counter, time: 60_000, stored: 0 };
  }

  async run(): Promise<void> {
    const creator = await this.add();
    this.append(await creator.device.create(this.groupId));
    await this.readOne(creator);
    expect(isMember(creator)).toBe(true);
    for (let step = 0; step < STEPS; step += 1) {
      await this.step();
      if (this.hasMoved) await this.move();
      // A move whose secret no member can open ends them all.
      if (this.participants.length === 0) return;
    }
    await this.readAll();
    const members = this.participants.filter(isMember);
    expect(new Set(members.map(({ reading }) => reading.authenticator)).size).toBe(1);
  }

  /** All members go to the next room, where one of them posts a group info. */
  private async move(): Promise<void> {
    await this.readAll();
    this.participants = this.participants.filter(isMember);
    if (this.participants.length === 0) return;
    this.log = [];
    this.meanings = new Map();
    this.hasMoved = false;
    for (const each of this.participants) {
      each.readCount = 0;
      each.handshake = 0;
      each.reading = { ...each.reading, events: [] };
      await each.device.changeLog();
    }
    this.append(await this.chance.pick(this.participants).device.groupInfo());
  }

  private async step(): Promise<void> {
    const { chance } = this;
    if (this.participants.filter(({ isRemoved }) => !isRemoved).length < 6 && chance.below(8) === 0)
      await this.add();
    const participant = chance.pick(this.participants.filter(({ isRemoved }) => !isRemoved));
    if (chance.below(3) > 0) {
      for (let count = chance.below(8); count > 0; count -= 1) await this.readOne(participant);
      return;
    }
    if (chance.below(5) === 0) this.append(await this.hostile(participant));
    else
      this.append(isMember(participant) ? await this.act(participant) : await this.actOutside(participant));
  }

  /** Whether a participant may make a handshake. If so, its position is the next one. */
  private mayCommit(participant: Participant): boolean {
    if (participant.handshake > participant.readCount) return false;
    participant.handshake = this.log.length + 1;
    return true;
  }

  private async act(participant: Participant): Promise<Uint8Array | undefined> {
    const { chance } = this;
    const { device, readCount } = participant;
    const choice = chance.below(8);
    if ((choice === 2 || choice === 3) && !this.mayCommit(participant)) return undefined;
    switch (choice) {
      case 0:
        return device.groupInfo();
      case 1:
        return chance.below(4) === 0 ? device.leave() : undefined;
      case 2:
        return device.commit(readCount + 1, []);
      case 3: {
        const secret = new Uint8Array(32).fill(chance.below(256));
        const removed = [0, 1, 2, 3, 4, 5].filter(() => chance.below(4) === 0);
        return device.commit(readCount + 1, removed, chance.below(4) === 0 ? secret : undefined);
      }
      default:
        return device.message(this.content(`${chance.below(1000)} grüße`));
    }
  }

  private async actOutside(participant: Participant): Promise<Uint8Array | undefined> {
    const { device, reading } = participant;
    if (reading.epoch < 0) return undefined;
    if (this.chance.below(2) === 0) return device.external(this.content('from outside'));
    return this.mayCommit(participant) ? device.join() : undefined;
  }

  /** A frame of an attacker: an earlier one with a flipped bit, or a well-signed commit that breaks a rule. */
  private hostile(participant: Participant): Promise<Uint8Array | undefined> {
    const { chance } = this;
    const { device } = participant;
    const earlier = chance.pick(this.log);
    if (chance.below(2) === 0 || !isOwn(device)) {
      const used = 6 + new DataView(earlier.buffer, earlier.byteOffset).getUint32(2);
      return Promise.resolve(
        chance.below(4) === 0 ? earlier : flipBit(earlier, chance.below(used), chance.below(8)),
      );
    }
    return Promise.resolve(this.mayCommit(participant) ? this.forgedCommit(device) : undefined);
  }

  private forgedCommit(own: OwnDevice): Uint8Array | undefined {
    const { context, state, mark } = own;
    const { chance, groupId } = this;
    const { suite, engine, device } = context;
    const hpke = createHpke(suite);
    const crypto = {
      suite,
      hpke,
      labelled: createLabelledCrypto(suite, hpke),
      keySchedule: createKeySchedule(suite, hpke),
    };
    const member = state.phase === 'member' ? state.epoch : undefined;
    const info = state.phase === 'newcomer' ? state.groupInfo : undefined;
    const group = member?.engineState.group ?? info;
    if (group === undefined) return undefined;
    const some = <T>(items: readonly T[]): readonly T[] => items.filter(() => chance.below(3) === 0);
    const removed = some(group.leaves.map(({ index }) => index)).filter(
      (index) => index !== member?.view.leaf,
    );
    const remaining = withoutLeaves(group.leaves, removed);
    const lastEpoch = Math.max(0, group.epoch + chance.below(4) - 1);
    const grantor = chance.below(3) === 0 ? mark : 1;
    const grantee = fromBase64url(identityOf(chance.below(4) === 0 ? 2 : mark).key)!;
    const grant = {
      lastEpoch,
      signature: fromBase64url(identityOf(grantor).sign(removalGrantMessage(groupId, grantee, lastEpoch)))!,
    };
    const leaves = some(group.leaves).map((leaf) => {
      const leaving = deviceOf(
        [...Array(this.mark).keys()].find(
          (at) => deviceOf(at + 1).publicKey.join() === leaf.signatureKey.join(),
        )! + 1,
      );
      const message = leaveMessage(groupId, leaving.publicKey, lastEpoch + (chance.below(4) === 0 ? 1 : 0));
      return { device: leaving.publicKey, lastEpoch, signature: leaving.sign(message) };
    });
    const moves = chance.below(6) === 0;
    const secretHash = suite.sha256(inviteSecretMessage(new Uint8Array(32).fill(7)));
    const data = formatCommitData({
      grant: chance.below(2) === 0 ? grant : undefined,
      leaves: chance.below(2) === 0 ? leaves : [],
      inviteSecretHash: moves ? secretHash : undefined,
    });
    const authenticatedData = chance.below(6) === 0 ? flipBit(data, chance.below(data.length)) : data;
    const init = info && crypto.keySchedule.createExternalInit(info.externalKey);
    const staged = stageCommit(
      group,
      {
        device,
        index: member?.view.leaf ?? lowestFreeIndex(remaining),
        removed,
        authenticatedData,
        initSecret: member?.engineState.secrets.initSecret ?? init!.initSecret,
        externalInit: init?.kemOutput,
      },
      crypto,
    );
    if (staged === undefined) return undefined;
    const groupInfoUpdate = moves
      ? new Uint8Array(0)
      : engine.formatGroupInfoUpdate(staged.state, device, new Uint8Array(33));
    const frame: CommitFrame = {
      type: 'commit',
      commit: staged.commit,
      groupInfoUpdate,
      sealedInviteSecret: new Uint8Array(0),
    };
    if (state.phase === 'member' && member !== undefined) {
      const { members, leaf, epoch: baseEpoch } = member.view;
      const commit: Commit = {
        epoch: baseEpoch,
        isExternal: false,
        committer: members.find((each) => each.leaf === leaf)!,
        removed: members.filter((each) => removed.includes(each.leaf)),
        authenticatedData,
      };
      own.state = {
        ...state,
        pending: { frame, baseEpoch, state: staged.state, commit, inviteSecret: undefined },
      };
    }
    return formatFrame(frame);
  }
}

describe('the Python implementation and this one', () => {
  const counts = new Map<string, number>();

  test.each(SEEDS)('read the same room alike, attacks included (seed %d)', async (seed) => {
    const python = startPythonDevices();
    try {
      await new MixedRoom(seed, python, counts).run();
    } finally {
      await python.end();
    }
  });

  test('were compared in rooms in which all of this happened', () => {
    expect([...counts.keys()]).toStrictEqual(expect.arrayContaining(MEANINGS));
  });
});
