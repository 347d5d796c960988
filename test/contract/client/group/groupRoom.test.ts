import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nodeSuite } from '../../../../src/crypto/nodeSuite.js';
import { formatCommitData, NO_COMMIT_DATA } from '../../../../streams/client/group/commitData.js';
import {
  createStarEngine,
  type GroupEngine,
  type GroupInfo,
} from '../../../../streams/client/group/index.js';
import type { Frame } from '../../../../streams/client/group/frame.js';
import { flipBit, seededRandom } from '../../../support/cryptoSuites.js';
import { ed25519 } from '../../../support/group/devices.js';
import { createWorkerEngine } from '../../../support/group/mls/workerEngine.js';
import {
  agree,
  joinThree,
  lastEvent,
  memberState,
  roomOn,
  type TestDevice,
  textsOf,
  typesOf,
} from '../../../support/group/room.js';

/** More with `RXCHAT_MODEL_RUNS=100 npm test -- test/contract/client/group/groupRoom`. */
const RUNS = Number(process.env['RXCHAT_MODEL_RUNS'] ?? 6);

const star = createStarEngine({ ...nodeSuite({ randomBytes: seededRandom('group room') }), ed25519 });
const { engine: mls, close } = createWorkerEngine();
afterAll(close);

const rosterOf = <State, Info extends GroupInfo>(device: TestDevice<State, Info>): readonly string[] =>
  memberState(device).epoch.view.members.map(({ identity }) => identity);
const isMember = <State, Info extends GroupInfo>({ state }: TestDevice<State, Info>): boolean =>
  state.phase === 'member';

/** What a room does, whatever engine its members have. */
const itBehavesAsAGroupRoom = <State, Info extends GroupInfo>(
  name: string,
  engine: GroupEngine<State, Info>,
): void => {
  const roomOfThree = () => {
    const room = roomOn(engine);
    return { room, ...joinThree(room) };
  };

  describe(`a room on ${name}`, () => {
    test('lets devices join while the others are away, and gives them what follows', () => {
      const { room, alice, bob, carol } = roomOfThree();
      room.send(alice, 'before');
      const dave = room.device(4);
      room.readAll(dave);
      room.join(dave);
      room.readAll(dave);
      room.send(dave, 'hello');
      room.readAll(alice, bob, carol, dave);
      expect(agree(alice, bob, carol, dave)).toBe(true);
      expect(textsOf(bob)).toStrictEqual(['before', 'hello']);
      expect(textsOf(dave)).toStrictEqual(['hello']);
    });

    test('lets the first of several commits win, and makes what was sealed before it count once', () => {
      const { room, alice, bob, carol } = roomOfThree();
      room.commit(bob);
      room.commit(carol);
      room.send(alice, 'late');
      room.readAll(alice, bob, carol);
      expect(agree(alice, bob, carol)).toBe(true);
      expect(memberState(alice).epoch.view.epoch).toBe(3);
      for (const device of [alice, bob, carol]) expect(textsOf(device)).toStrictEqual(['late']);
    });

    test('ends for a member that another removes, who reads nothing behind it', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const leaf = memberState(carol).epoch.view.leaf;
      expect(room.commit(alice, { remove: [leaf] })).toBeUndefined();
      room.readAll(alice, bob);
      room.send(bob, 'secret');
      room.readAll(alice, bob, carol);
      expect(carol.state.phase).toBe('removed');
      expect(textsOf(carol)).toStrictEqual([]);
      expect(textsOf(alice)).toStrictEqual(['secret']);
      expect(rosterOf(alice)).toHaveLength(2);
    });

    test('rejects the removal that only its creator may make', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const leaf = memberState(carol).epoch.view.leaf;
      const { engineState } = memberState(bob).epoch;
      const authenticatedData = formatCommitData(NO_COMMIT_DATA);
      const options = { remove: [leaf], authenticatedData };
      const forged = engine.createCommit(engineState, bob.context.device, options);
      room.append({
        type: 'commit',
        commit: forged.commit,
        groupInfoUpdate: new Uint8Array(0),
        sealedInviteSecret: new Uint8Array(0),
      });
      room.readAll(alice, bob, carol);
      expect(typesOf(alice).at(-1)).toBe('no right to remove');
      expect(agree(alice, bob, carol)).toBe(true);
      expect(rosterOf(carol)).toHaveLength(3);
    });

    test('counts a commit again for nobody', () => {
      const { room, alice, bob, carol } = roomOfThree();
      room.commit(bob);
      room.readAll(alice, bob, carol);
      for (const frame of [...room.log]) room.append(frame);
      room.readAll(alice, bob, carol);
      expect(agree(alice, bob, carol)).toBe(true);
      expect(memberState(alice).epoch.view.epoch).toBe(3);
    });

    test('ignores handshakes with a changed byte, and takes the right one behind them', () => {
      const { room, alice, bob, carol } = roomOfThree();
      room.commit(bob);
      const right = room.log.pop()!;
      if (right.type !== 'commit') throw new Error('a commit is expected');
      for (let at = 7; at < right.commit.length; at += 150)
        room.append({ ...right, commit: flipBit(right.commit, at) });
      for (let at = 3; at < right.groupInfoUpdate.length; at += 50)
        room.append({ ...right, groupInfoUpdate: flipBit(right.groupInfoUpdate, at) });
      room.readAll(alice, carol);
      room.append(right);
      room.readAll(alice, bob, carol);
      expect(agree(alice, carol)).toBe(true);
      expect(memberState(alice).epoch.view.epoch).toBe(3);
    });

    test('lets a device that missed a commit join again', () => {
      const { room, alice, bob, carol } = roomOfThree();
      room.commit(bob);
      room.readAll(alice, bob);
      // A relay withholds the commit from carol.
      carol.readCount = room.log.length;
      room.send(alice, 'next');
      room.postGroupInfo(alice);
      room.readAll(alice, bob, carol);
      expect(typesOf(carol)).toContain('behind');
      room.join(carol);
      room.readAll(alice, bob, carol);
      expect(agree(alice, bob, carol)).toBe(true);
      expect(rosterOf(alice)).toHaveLength(3);
    });

    test('gives a removed device no way to read, also with the public part of the next epoch', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const stale = memberState(carol).epoch.engineState;
      const leaf = memberState(carol).epoch.view.leaf;
      room.commit(alice, { remove: [leaf] });
      room.readAll(alice, bob);
      const removal = room.log.at(-1) as Frame & { type: 'commit' };
      expect(engine.processCommit(stale, removal.commit).kind).toBe('removed');
      room.commit(bob);
      const next = room.log.at(-1) as Frame & { type: 'commit' };
      expect(engine.processCommit(stale, next.commit)).toMatchObject({ failure: 'wrong epoch' });
      room.readAll(alice, bob);
      expect(lastEvent(alice)).toMatchObject({ type: 'epoch' });
    });
  });
};

itBehavesAsAGroupRoom('star', star);
itBehavesAsAGroupRoom('MLS', mls);

type Step = {
  readonly kind: 'join' | 'commit' | 'remove' | 'send' | 'leave' | 'read' | 'miss' | 'info' | 'replay';
  readonly by: number;
  readonly of: number;
};

/** Runs steps in a room of five devices. Returns what all of them saw. */
const run = <State, Info extends GroupInfo>(engine: GroupEngine<State, Info>, steps: readonly Step[]) => {
  const room = roomOn(engine, { removalRule: 'anyone' });
  const { alice, bob, carol } = joinThree(room);
  const devices = [alice, bob, carol, room.device(4), room.device(5)] as const;
  const act = ({ kind, by, of }: Step): unknown => {
    const [device, other] = [devices[by % 5]!, devices[of % 5]!];
    switch (kind) {
      case 'read':
        for (let count = 0; count < 1 + of; count += 1) room.readOne(device);
        return undefined;
      case 'miss':
        if (isMember(device) && of % 3 === 0)
          device.readCount = Math.min(device.readCount + 1, room.log.length);
        return undefined;
      case 'join':
        room.readAll(device);
        if (device.state.phase === 'removed') return undefined;
        return room.join(device);
      case 'replay':
        return room.append(room.log[of % room.log.length]!);
      default:
    }
    if (!isMember(device)) return undefined;
    if (kind === 'send') return room.send(device, `text ${of}`);
    if (kind === 'leave') return room.leave(device);
    if (kind === 'info') return room.postGroupInfo(device);
    if (kind === 'commit') return room.commit(device);
    const leaf = isMember(other) ? memberState(other).epoch.view.leaf : of;
    return room.commit(device, { remove: [leaf] });
  };
  const trace = steps.map((step) => {
    try {
      return act(step);
    } catch (error) {
      return (error as Error).message;
    }
  });
  room.readAll(...devices);
  const seen = devices.map((device) => ({
    phase: device.state.phase,
    types: typesOf(device),
    texts: textsOf(device),
    ...(isMember(device) && {
      epoch: memberState(device).epoch.view.epoch,
      members: memberState(device).epoch.view.members.map(({ leaf, device: key }) => `${leaf} ${key}`),
    }),
  }));
  return JSON.stringify({ trace, log: room.log.map(({ type }) => type), seen }, undefined, 1);
};

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    ...(['join', 'join', 'commit', 'commit', 'remove', 'send', 'send', 'leave', 'read', 'read'] as const),
    ...(['read', 'miss', 'info', 'replay'] as const),
  ),
  by: fc.nat(4),
  of: fc.nat(9),
});

test(
  'rooms on star and on MLS show the same to all devices, whatever happens',
  () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 6, maxLength: 24 }), (steps) => {
        expect(run(star, steps)).toBe(run(mls, steps));
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  },
  300_000 + RUNS * 5000,
);
