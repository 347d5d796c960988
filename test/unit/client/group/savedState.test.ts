import { describe, expect, test } from '@jest/globals';
import { of } from 'rxjs';
import { nodeSuite } from '../../../../src/crypto/nodeSuite.js';
import { applyFrame } from '../../../../streams/client/group/applyFrame.js';
import {
  HANDSHAKE_RETENTION_MS,
  MAX_DEVICE_HANDSHAKES,
} from '../../../../streams/client/group/enterEpoch.js';
import type { Frame } from '../../../../streams/client/group/frame.js';
import type { GroupInfo } from '../../../../streams/client/group/engine.js';
import type { GroupContext } from '../../../../streams/client/group/groupEpoch.js';
import { changeLog, createNewcomer, type GroupState } from '../../../../streams/client/group/groupState.js';
import { findHandshake } from '../../../../streams/client/group/findHandshake.js';
import { formatSnapshot, parseSnapshot } from '../../../../streams/client/group/savedState.js';
import { formatSlotRecord } from '../../../../streams/client/group/slotRecord.js';
import {
  hasSkippedTooMany,
  RESERVED_GENERATIONS,
  sealMessage,
} from '../../../../streams/client/group/sealMessage.js';
import { forgetOld } from '../../../../streams/client/group/pastEpochs.js';
import { handshakes } from '../../../../streams/client/group/handshakes.js';
import { MAX_LOOK_AHEAD } from '../../../../streams/client/group/ratchet.js';
import { createStarEngine } from '../../../../streams/client/group/starEngine.js';
import type { StarGroupInfo } from '../../../../streams/client/group/starGroupInfo.js';
import type { StarState } from '../../../../streams/client/group/starState.js';
import { stageGroup } from '../../../../streams/client/group/stageHandshake.js';
import type { Token } from '../../../../streams/client/envelope/cipher.js';
import { seededRandom } from '../../../support/cryptoSuites.js';
import {
  agree,
  lastEvent,
  memberState,
  roomOfThree,
  type TestDevice,
  testRoom,
  textsOf,
} from '../../../support/group/room.js';
import { messageOf, sessionOf } from '../../../support/group/session.js';

const inviteSecret = new Uint8Array(32).fill(5);
const snapshotOf = <State, Info extends GroupInfo>(state: GroupState<State, Info>) => ({
  inviteSecret,
  resume: undefined,
  state,
});
const saved = ({ context, state }: TestDevice): Uint8Array =>
  formatSnapshot(context.engine, snapshotOf(state));

/** Replaces the state of a device by the one that it saved. */
const restart = (device: TestDevice, bytes = saved(device)): void => {
  const snapshot = parseSnapshot(device.context, bytes);
  if (snapshot === undefined) throw new Error('the state cannot be parsed');
  device.state = snapshot.state;
};

interface SceneOptions {
  readonly forgetMs: number;
  readonly count?: number;
  readonly everyMs?: number;
}

/** A member in epoch 0 of a group of its own. */
const newGroup = (): TestDevice => {
  const room = testRoom();
  const alice = room.device(1);
  room.create(alice);
  room.readAll(alice);
  return alice;
};

describe('a saved state', () => {
  test('of a member has everything: formatting it again gives the same bytes', () => {
    const { room, alice, bob, carol } = roomOfThree();
    for (const text of ['one', 'two']) room.send(alice, text);
    room.leave(alice);
    room.readAll(alice, bob, carol);
    for (const device of [alice, bob, carol]) {
      const bytes = saved(device);
      const { leaving } = memberState(device);
      restart(device);
      expect(leaving).toHaveLength(device === alice ? 0 : 1);
      expect(memberState(device).leaving).toStrictEqual(leaving);
      expect(memberState(device).epoch).toStrictEqual({
        ...memberState(device).epoch,
        view: device.context.engine.view(memberState(device).epoch.engineState),
      });
      // Only the keys that were reserved are skipped.
      if (device !== alice) expect(saved(device)).toStrictEqual(bytes);
    }
  });

  test('has the logs that the room left, and one of the earlier version has none', () => {
    const room = testRoom();
    const [alice, bob] = [room.device(1), room.device(2, { forgetMs: Infinity })];
    room.create(alice);
    room.readAll(alice, bob);
    room.join(bob);
    room.readAll(alice, bob);
    room.send(alice, 'one');
    room.commit(alice, { inviteSecret: new Uint8Array(32).fill(7) });
    room.readAll(alice, bob);
    const left = { log: 'log', inviteSecret: new Uint8Array(32).fill(3) };
    bob.state = changeLog(bob.state, left);
    const formerLogs = [{ ...left, end: room.log.length, pastEpochs: [{ end: room.log.length }] }];
    expect(memberState(bob).formerLogs).toMatchObject(formerLogs);
    const bytes = saved(bob);
    restart(bob);
    expect(memberState(bob).formerLogs).toMatchObject(formerLogs);
    expect(saved(bob)).toStrictEqual(bytes);

    const earlier = saved(alice);
    expect(memberState(alice).formerLogs).toStrictEqual([]);
    expect(memberState(alice).deviceHandshakes).toStrictEqual([]);
    // Both lists are at the end, with two bytes each.
    restart(alice, Uint8Array.of(2, ...earlier.subarray(1, -2)));
    expect(saved(alice)).toStrictEqual(earlier);
    restart(alice, Uint8Array.of(1, ...earlier.subarray(1, -4)));
    expect(memberState(alice).formerLogs).toStrictEqual([]);
    expect(saved(alice)).toStrictEqual(earlier);
  });

  describe('has the commits of the device, for its other processes that lag behind,', () => {
    /** Bob and Carol renew in turn, each `everyMs` ms after the other. */
    const scene = ({ forgetMs, count = 2, everyMs = 100 }: SceneOptions) => {
      const room = testRoom();
      const [alice, bob, carol] = [room.device(1), room.device(2, { forgetMs }), room.device(3)];
      room.create(alice);
      room.readAll(alice, bob, carol);
      for (const device of [bob, carol]) {
        room.join(device);
        room.readAll(alice, bob, carol);
      }
      const commits: Uint8Array[] = [];
      for (let index = 0; index < 2 * count; index += 1) {
        const device = index % 2 === 0 ? bob : carol;
        room.nowMs = index * everyMs;
        room.commit(device);
        const frame = memberState(device).pending?.frame;
        if (device === bob && frame?.type === 'commit') commits.push(frame.commit);
        room.readAll(alice, bob, carol);
      }
      const stored = { loadSlotRecords: () => [], loadSnapshot: () => saved(bob) };
      const found = () =>
        commits.filter((commit) => findHandshake(bob.context, stored, commit) !== undefined);
      return { bob, commits, found };
    };

    test('until the epochs that they began are forgotten', () => {
      const { bob, commits, found } = scene({ forgetMs: 1000 });
      expect(found()).toStrictEqual(commits);
      const bytes = saved(bob);
      restart(bob);
      expect(saved(bob)).toStrictEqual(bytes);
      // Carol ended these epochs at 100 and at 300.
      bob.state = forgetOld(bob.context, bob.state, 1100);
      expect(found()).toStrictEqual(commits);
      bob.state = forgetOld(bob.context, bob.state, 1101);
      expect(found()).toStrictEqual(commits.slice(1));
      bob.state = forgetOld(bob.context, bob.state, 1301);
      expect(memberState(bob).deviceHandshakes).toStrictEqual([]);
    });

    test('and not if it forgets each key once it was used', () => {
      const { bob } = scene({ forgetMs: 0 });
      expect(memberState(bob).deviceHandshakes).toStrictEqual([]);
      const other = scene({ forgetMs: Infinity }).bob;
      expect(forgetOld({ forgetMs: 0 }, other.state, 0)).toMatchObject({ deviceHandshakes: [] });
    });

    test('at most the last ones, and those of a day', () => {
      const { commits, found } = scene({ forgetMs: Infinity, count: MAX_DEVICE_HANDSHAKES + 2 });
      expect(found()).toStrictEqual(commits.slice(-MAX_DEVICE_HANDSHAKES));
      const daily = scene({ forgetMs: Infinity, count: 4, everyMs: HANDSHAKE_RETENTION_MS / 4 });
      expect(daily.found()).toStrictEqual(daily.commits.slice(-3));
    });
  });

  test('of a member reads on and follows commits', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.send(alice, 'before');
    room.readAll(alice, bob, carol);
    room.send(alice, 'after');
    restart(bob);
    room.commit(carol, { remove: [] });
    room.readAll(alice, bob, carol);
    restart(bob);
    room.send(carol, 'in the next epoch');
    room.readAll(alice, bob, carol);
    expect(textsOf(bob)).toStrictEqual(textsOf(alice));
    expect(agree(alice, bob, carol)).toBe(true);
  });

  test('uses no message key twice, and the others can read what follows', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const before = saved(bob);
    room.send(bob, 'one');
    const reserved = saved(bob);
    for (const text of ['two', 'three']) room.send(bob, text);
    restart(bob, reserved);
    expect(memberState(bob).sending.chainKey.generation).toBe(RESERVED_GENERATIONS);
    room.send(bob, 'four');
    room.readAll(alice, bob, carol);
    expect(textsOf(alice)).toStrictEqual(['one', 'two', 'three', 'four']);
    // Without a message nothing is reserved, so that restarts alone skip nothing.
    restart(carol, saved(carol));
    restart(carol, saved(carol));
    expect(memberState(carol).sending.chainKey.generation).toBe(0);
    expect(before).not.toStrictEqual(reserved);
  });

  test('that skipped as many message keys as the others look ahead asks for a renewal before it sends', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const crash = (): void => {
      room.send(bob, 'lost');
      room.log.pop();
      restart(bob);
    };
    for (let count = 1; count < MAX_LOOK_AHEAD / RESERVED_GENERATIONS; count += 1) crash();
    expect(hasSkippedTooMany(memberState(bob))).toBe(false);
    expect(sessionOf(bob).canSeal).toBe(true);
    const { sending } = memberState(bob);
    crash();
    expect(memberState(bob).sending.first - sending.first).toBe(RESERVED_GENERATIONS);
    expect(hasSkippedTooMany(memberState(bob))).toBe(true);
    expect(sessionOf(bob).canSeal).toBe(false);
    const lost = { ...bob, outbox: [] };
    room.send(lost, 'nobody finds this');
    room.readAll(alice);
    expect(lastEvent(alice)).toMatchObject({ type: 'undecryptable' });

    bob.outbox = [];
    const session = sessionOf(bob);
    const { randomBytes } = bob.context.suite;
    const { context } = bob;
    of({ type: 'write-phase', phase: 'ready' } as const)
      .pipe(handshakes({ context, session, role: { type: 'member' }, random: () => 0, randomBytes }))
      .subscribe();
    bob.state = session.state;
    const { pending } = memberState(bob);
    expect(pending?.commit).toMatchObject({ isExternal: false, removed: [] });
    room.append(pending!.frame);
    room.readAll(alice, bob, carol);
    expect(hasSkippedTooMany(memberState(bob))).toBe(false);
    room.send(bob, 'found');
    room.readAll(alice, bob, carol);
    expect(textsOf(alice)).toStrictEqual(['found']);
  });

  test('that the processes of a device share keeps their message keys apart', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const process = (slot: number, from: TestDevice): TestDevice => ({
      ...from,
      context: { ...bob.context, slot },
      events: [],
    });
    const [first, second] = [process(0, bob), process(1, bob)];
    const start = saved(bob);
    for (const each of [first, second]) restart(each, start);
    room.send(first, 'one');
    room.send(second, 'two');
    const records = [first, second].map((each) => formatSlotRecord(room.engine, memberState(each)));
    room.readAll(alice, bob, carol, first, second);
    // Both stop before they read the echo of what they send now; only the first one stores the snapshot.
    room.send(first, 'three');
    room.send(second, 'four');
    const shared = saved(first);
    const sendingOf = (device: TestDevice, record?: Uint8Array) => {
      const { state } = parseSnapshot(device.context, shared, record)!;
      return state.phase === 'member' ? state.sending : undefined;
    };
    expect(sendingOf(second, records[1])).toMatchObject({
      slot: 1,
      reserved: RESERVED_GENERATIONS,
      chainKey: { generation: RESERVED_GENERATIONS },
    });
    expect(sendingOf(first, records[0])).toMatchObject({ slot: 0, reserved: RESERVED_GENERATIONS });
    // The record of another slot, or of another epoch, says nothing: what is in the log does.
    expect(sendingOf(second)).toMatchObject({ slot: 1, reserved: 1 });
    expect(sendingOf(second, records[0])).toMatchObject({ slot: 1, reserved: 1 });
    const past = formatSlotRecord(room.engine, {
      ...memberState(second),
      epoch: memberState(newGroup()).epoch,
    });
    expect(sendingOf(second, past)).toMatchObject({ slot: 1, reserved: 1 });
    second.state = parseSnapshot(second.context, shared, records[1])!.state;
    room.send(second, 'five');
    room.readAll(alice, carol);
    expect(textsOf(alice)).toStrictEqual(['one', 'two', 'three', 'four', 'five']);
    expect(textsOf(carol)).toStrictEqual(textsOf(alice));
  });

  test('has a staged commit, whose echo counts after a restart', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.commit(alice, { remove: [memberState(carol).epoch.view.leaf], inviteSecret });
    restart(alice);
    // The very same frame can be sent again.
    expect(memberState(alice).pending).toMatchObject({
      frame: room.log.at(-1),
      inviteSecret,
      commit: { isExternal: false },
    });
    room.readAll(alice, bob);
    expect(lastEvent(alice)).toMatchObject({ type: 'epoch', isOwn: true, move: { secret: inviteSecret } });
    expect(agree(alice, bob)).toBe(true);
  });

  test('of a newcomer has its join, whose echo counts when it reads the log again', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const dave = room.device(4);
    room.readAll(dave);
    room.join(dave);
    restart(dave);
    dave.readCount = 0;
    room.readAll(alice, bob, carol, dave);
    expect(agree(alice, bob, carol, dave)).toBe(true);
    restart(dave);
    room.send(dave, 'hello');
    room.readAll(alice);
    expect(textsOf(alice)).toStrictEqual(['hello']);
  });

  test('of a new group has its creation', () => {
    const room = testRoom();
    const alice = room.device(1);
    room.create(alice);
    restart(alice);
    expect(alice.state).toMatchObject({ pending: { frame: room.log[0] } });
    room.readAll(alice);
    expect(memberState(alice).epoch.view.epoch).toBe(0);
  });

  test('says where the room is, and where to read on', () => {
    const { alice } = roomOfThree();
    const { context, state } = alice;
    const hash = 'AAAAAAAAAAA';
    for (const resume of [
      undefined,
      { log: 'log-1', n: 7 },
      { log: 'log-1', n: 7, hash, earlier: { n: 3, hash } },
    ])
      expect(
        parseSnapshot(context, formatSnapshot(context.engine, { inviteSecret, resume, state })),
      ).toMatchObject({ inviteSecret, resume, state: { phase: 'member' } });
    const invalid = formatSnapshot(context.engine, { inviteSecret, resume: { log: '?', n: 7 }, state });
    expect(parseSnapshot(context, invalid)).toBeUndefined();
    const short = { inviteSecret: inviteSecret.subarray(1), resume: undefined, state };
    expect(() => formatSnapshot(context.engine, short)).toThrow(TypeError);
  });

  test('of another process lets a killed one use no key again that the log has', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.send(alice, 'one');
    room.readAll(alice, bob, carol);
    const [bytes, readCount] = [saved(alice), alice.readCount];
    const second: TestDevice = { ...alice, context: { ...alice.context, slot: 2 }, events: [], outbox: [] };
    restart(second, bytes);
    room.send(alice, 'two');
    room.send(second, 'three');
    // It is killed, and nothing that it stored is later than what the other process stored.
    restart(second, bytes);
    second.readCount = readCount;
    room.readAll(second);
    room.send(second, 'four');
    room.send(alice, 'five');
    room.readAll(alice, bob);
    for (const device of [alice, bob])
      expect(textsOf(device).slice(-5)).toStrictEqual(['one', 'two', 'three', 'four', 'five']);
  });

  test('of a removed device has no secret', () => {
    const { room, alice, bob } = roomOfThree();
    const find = () =>
      findHandshake(
        bob.context,
        { loadSlotRecords: () => [], loadSnapshot: () => saved(bob) },
        new Uint8Array(),
      );
    expect(find()).toBeUndefined();
    room.commit(alice, { remove: [memberState(bob).epoch.view.leaf] });
    room.readAll(bob);
    expect(saved(bob)).toHaveLength(1 + 32 + 1 + 1);
    expect(find()).toBe('removed');
    restart(bob);
    expect(bob.state).toStrictEqual({ phase: 'removed' });
  });

  test('is rejected when it is cut anywhere, has bytes after its end, or is of another version', () => {
    const { room, alice } = roomOfThree();
    room.send(alice, 'hello');
    room.commit(alice, { remove: [] });
    const bytes = saved(alice);
    const parse = (changed: Uint8Array) => parseSnapshot(alice.context, changed);
    expect(parse(bytes)).toBeDefined();
    for (let length = 0; length < bytes.length; length += 1)
      expect([length, parse(bytes.subarray(0, length))]).toStrictEqual([length, undefined]);
    expect(parse(Uint8Array.of(...bytes, 0))).toBeUndefined();
    expect(parse(bytes.map((byte, at) => (at === 0 ? byte + 1 : byte)))).toBeUndefined();
    expect(parse(Uint8Array.of(1, ...inviteSecret, 0, 2))).toMatchObject({ state: { phase: 'removed' } });
    expect(parse(Uint8Array.of(1, ...inviteSecret, 0, 3))).toBeUndefined();
  });

  test('of the star engine opens messages after a restart', () => {
    const suite = nodeSuite({ randomBytes: seededRandom('saved state') });
    const engine = createStarEngine(suite);
    const { groupId, device } = testRoom();
    const context: GroupContext<StarState, StarGroupInfo> = {
      ...device(1).context,
      findHandshake: undefined,
      suite,
      engine,
    };
    const restarted = (state: GroupState<StarState, StarGroupInfo>) =>
      parseSnapshot(context, formatSnapshot(engine, snapshotOf(state)))!.state;
    const read = (state: GroupState<StarState, StarGroupInfo>, frame: Frame, position: number) =>
      applyFrame(context, restarted(state), { position, token: 'token' as Token, frame, timeMs: 0 });
    const staged = stageGroup(context, createNewcomer(), groupId);
    const member = restarted(read(staged.state, staged.frame, 1).state);
    if (member.phase !== 'member') throw new Error(`the device is a ${member.phase}`);
    const sealed = sealMessage(context, member, messageOf('hello', 1));
    const { events } = read(sealed.state, sealed.frame, 2);
    expect(events).toMatchObject([{ type: 'opened', envelope: { lines: ['hello'] } }]);
  });
});
