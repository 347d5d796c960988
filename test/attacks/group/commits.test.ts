import { afterAll, describe, expect, test } from '@jest/globals';
import {
  formatCommitData,
  leaveMessage,
  type LeaveStatement,
  NO_COMMIT_DATA,
  removalGrantMessage,
} from '../../../streams/client/group/commitData.js';
import { createDevice } from '../../../streams/client/group/credential.js';
import type { Frame } from '../../../streams/client/group/frame.js';
import type { GroupInfo } from '../../../streams/client/group/index.js';
import { fromBase64url } from '../../../streams/wire/encoding.js';
import {
  flipBit,
  fromHex,
  seededRandom,
  SMALL_ORDER_X25519_KEYS,
  SUITES,
} from '../../support/cryptoSuites.js';
import type { AttackedEngine, ForgedCommit } from '../../support/group/attackedEngine.js';
import { onEachEngine } from '../../support/group/attackedEngines.js';
import type { CommitChange } from '../../support/group/commitForge.js';
import { attackedStar } from '../../support/group/starAttacker.js';
import { createWorkerEngine } from '../../support/group/mls/workerEngine.js';
import {
  agree,
  authenticatorOf,
  engineStateOf,
  epochOf,
  lastOf,
  leafOf,
  memberOf,
  rosterOf,
  type SessionDevice,
} from '../../support/group/sessionDevice.js';
import {
  commitFrame,
  frameOf,
  partsOf,
  type SessionRoom,
  type SessionRoomOptions,
  sessionRoomOfThree,
} from '../../support/group/sessionRoom.js';

const worker = createWorkerEngine();
afterAll(worker.close);

const itResists = <State, Info extends GroupInfo>(
  name: string,
  create: () => AttackedEngine<State, Info>,
): void =>
  describe(`commits, attacked, on ${name}`, () => {
    type Room = SessionRoom<State, Info>;
    type Device = SessionDevice<State, Info>;
    const roomOfThree = (options: SessionRoomOptions = {}) => sessionRoomOfThree(create(), options);
    const groupInfoOf = ({ session: { state } }: Device): Info => {
      const info = state.phase === 'newcomer' ? state.groupInfo : undefined;
      if (info === undefined) throw new Error('a newcomer with a group info');
      return info;
    };
    /** A device that has read the log and is not a member. */
    const outsiderOf = (room: Room, outsiderName = 'mallory'): Device => {
      const outsider = room.device(outsiderName);
      room.read(outsider);
      return outsider;
    };
    /** An external commit with any content, signed by its committer. */
    const forgeJoin = (room: Room, outsider: Device, forged: ForgedCommit = {}) =>
      room.attacker.join(groupInfoOf(outsider), outsider.context.device, forged);
    /** A commit of a member with any removals and data, with its true secrets. */
    const forgeRemoval = (
      room: Room,
      member: Device,
      removed: readonly number[],
      data: Parameters<typeof formatCommitData>[0] = NO_COMMIT_DATA,
    ): Frame => {
      const forged = { removed, authenticatedData: formatCommitData(data) };
      return frameOf(member, room.attacker.commit(engineStateOf(member), member.context.device, forged));
    };
    /** Changes a commit for the epoch of a member. */
    const alter = (room: Room, member: Device, commit: Uint8Array, change: CommitChange, signer: Device) =>
      room.attacker.alter(engineStateOf(member), commit, change, signer.context.device);
    /** Members read a commit and reject it, and their epoch goes on as if it were not there. */
    const expectRejected = (
      room: Room,
      commit: Uint8Array | Frame,
      reason: string,
      ...members: readonly Device[]
    ): void => {
      const before = members.map(authenticatorOf);
      room.append(commit instanceof Uint8Array ? commitFrame(commit) : commit);
      room.read(...members);
      expect(members.map(lastOf)).toStrictEqual(members.map(() => reason));
      expect(members.map(authenticatorOf)).toStrictEqual(before);
    };
    /** A valid commit is still accepted by all. */
    const expectOpen = (room: Room, committer: Device, ...members: readonly Device[]): void => {
      const before = epochOf(committer);
      room.commit(committer);
      room.read(...members);
      expect(members.map(epochOf)).toStrictEqual(members.map(() => before + 1));
      expect(agree(...members)).toBe(true);
    };

    test('3: a commit that is replayed changes nothing', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const frame = room.commit(bob);
      room.read(alice, bob, carol);
      expect(epochOf(alice)).toBe(3);
      const before = authenticatorOf(alice);
      room.append(frame);
      room.read(alice, bob, carol);
      expect([alice, bob, carol].map(lastOf)).toStrictEqual(['void', 'void', 'void']);
      expect([alice, bob, carol].map(authenticatorOf)).toStrictEqual([before, before, before]);
      expectOpen(room, alice, alice, bob, carol);
    });

    test('4: a commit that the relay withholds from one leaves that one behind, and it reads nothing of the next epoch', () => {
      const { room, alice, bob, carol } = roomOfThree();
      room.commit(alice);
      room.read(alice, bob);
      room.send(bob, 'without carol');
      room.read(alice, bob);
      expect(lastOf(alice)).toBe('opened');
      room.deliver(carol, room.log.at(-1)!);
      expect(lastOf(carol)).toBe('behind');
      // What she sends is of the epoch that is over.
      room.send(carol, 'from the old epoch');
      room.read(alice, bob);
      expect([lastOf(alice), lastOf(bob)]).toStrictEqual(['void', 'void']);
    });

    test('5: two orders of two commits give two groups with different room codes, which cannot read each other', () => {
      const { room, alice, bob, carol } = roomOfThree();
      room.commit(alice);
      room.commit(bob);
      const [first, second] = room.log.slice(-2) as [(typeof room.log)[0], (typeof room.log)[0]];
      for (const token of [first, second]) room.deliver(alice, token);
      for (const token of [second, first]) room.deliver(carol, token);
      expect([epochOf(alice), epochOf(carol)]).toStrictEqual([3, 3]);
      expect(agree(alice, carol)).toBe(false);
      room.send(alice, 'hello');
      room.deliver(carol, room.log.at(-1)!);
      expect(lastOf(carol)).toBe('wrong key or tampered');
      // Of one order both agree.
      for (const token of [first, second]) room.deliver(bob, token);
      expect(agree(alice, bob)).toBe(true);
    });

    test('6: a newcomer cannot remove another person', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const mallory = outsiderOf(room);
      const refusal = 'a newcomer removes another person';
      for (const victim of [bob, alice]) {
        const { commit } = forgeJoin(room, mallory, { removed: [leafOf(victim)] });
        expectRejected(room, commit, refusal, alice, carol);
        expect(rosterOf(alice)).toHaveLength(3);
      }
      room.read(bob);
      expect(lastOf(bob)).toBe(refusal);
      room.append(frameOf(mallory, forgeJoin(room, mallory)));
      room.read(alice, bob, carol);
      expect(rosterOf(bob)).toContain(mallory.identity.key);
    });

    test('7: the credential of a member, which everybody with the invite can copy, lets nobody else in', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const mallory = outsiderOf(room);
      const { commit } = forgeJoin(room, mallory);
      const { credential, publicKey } = bob.context.device;
      const withLeaf = (leaf: CommitChange) => alter(room, alice, commit, leaf, mallory);
      expectRejected(room, withLeaf({ credential }), 'invalid credential', alice, bob, carol);
      expectRejected(
        room,
        withLeaf({ credential, signatureKey: publicKey }),
        'invalid leaf',
        alice,
        bob,
        carol,
      );
      // The same with a device that is no member, so that only its signature is missing.
      const dave = room.device('dave').context.device;
      const stolen = withLeaf({ credential: dave.credential, signatureKey: dave.publicKey });
      expectRejected(room, stolen, 'invalid signature', alice, bob, carol);
      expectOpen(room, bob, alice, bob, carol);
    });

    test('8: a device gets no second leaf', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const twin = outsiderOf(room, 'bob');
      expectRejected(room, forgeJoin(room, twin).commit, 'invalid leaf', alice, bob, carol);
      // Another device of the same person may come in.
      const phone = room.device('bob', { label: 'phone' });
      room.read(phone);
      room.join(phone);
      room.read(alice, bob, carol, phone);
      expect(agree(alice, bob, carol, phone)).toBe(true);
    });

    test('9: a device that no identity certifies is not let in', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const mallory = outsiderOf(room);
      const { commit } = forgeJoin(room, mallory);
      const { device } = mallory.context;
      const own = { key: bob.identity.key, sign: mallory.identity.sign };
      const { credential } = createDevice(device, own, 'laptop');
      const forged = alter(room, alice, commit, { credential }, mallory);
      expectRejected(room, forged, 'invalid credential', alice, bob, carol);
      expect(rosterOf(alice)).toHaveLength(3);
    });

    test('10: random, empty and cut commits are rejected, and the valid one behind them is accepted', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const right = room.commit(alice);
      const { commit } = partsOf(right);
      room.log.pop();
      for (const wrong of [
        new Uint8Array(0),
        new Uint8Array(300),
        room.suite.randomBytes(commit.length),
        commit.slice(0, -1),
        commit.slice(1),
      ])
        expectRejected(room, wrong, 'malformed', alice, bob, carol);
      const bySomebodyElse = alter(room, bob, commit, {}, carol);
      expectRejected(room, bySomebodyElse, 'invalid signature', alice, bob, carol);
      room.append(right);
      room.read(alice, bob, carol);
      expect([alice, bob, carol].map(epochOf)).toStrictEqual([3, 3, 3]);
      expect(agree(alice, bob, carol)).toBe(true);
    });

    test.each(SMALL_ORDER_X25519_KEYS.slice(0, 3))('14: the poison key %s is not let in', (text) => {
      const { room, alice, bob, carol } = roomOfThree();
      const mallory = outsiderOf(room);
      const key = fromHex(text);
      const { commit } = forgeJoin(room, mallory);
      const poisoned = alter(room, alice, commit, { encryptionKey: key }, mallory);
      expectRejected(room, poisoned, 'invalid leaf', alice, bob, carol);
      const init = alter(room, alice, commit, { externalInit: key }, mallory);
      expectRejected(room, init, 'invalid commit secret', alice, bob, carol);
      expectOpen(room, alice, alice, bob, carol);
      expectOpen(room, bob, alice, bob, carol);
    });

    test('15: the removal of a leaf that is not there is rejected at once', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const mallory = outsiderOf(room);
      const { commit: join } = forgeJoin(room, mallory);
      const { commit } = room.attacker.commit(engineStateOf(alice), alice.context.device);
      for (const removed of [[5], [65_535], [2, 1], [1, 1], [0, 1, 2, 3]]) {
        const ofMallory = alter(room, alice, join, { removed }, mallory);
        expectRejected(room, ofMallory, 'invalid removal', alice, bob, carol);
        const ofAlice = alter(room, alice, commit, { removed }, alice);
        expectRejected(room, ofAlice, 'invalid removal', bob, carol);
      }
      const ofItself = alter(room, alice, commit, { removed: [0] }, alice);
      expectRejected(room, ofItself, 'invalid removal', bob, carol);
      room.append(forgeRemoval(room, alice, [2]));
      room.read(bob);
      expect(rosterOf(bob)).toHaveLength(2);
    });

    describe('20: a removal', () => {
      const refusal = 'no right to remove';

      test('without the right to it is refused, even with true keys', () => {
        const { room, alice, bob, carol } = roomOfThree();
        expectRejected(room, forgeRemoval(room, bob, [leafOf(carol)]), refusal, alice, carol);
        expectRejected(room, forgeRemoval(room, bob, [leafOf(alice)]), refusal, alice, carol);
        // Neither does a new invite exclude people.
        const inviteSecretHash = new Uint8Array(32);
        const move = forgeRemoval(room, bob, [], { leaves: [], inviteSecretHash });
        expectRejected(room, move, refusal, alice, carol);
        room.append(forgeRemoval(room, alice, [leafOf(bob)]));
        room.read(carol);
        expect(rosterOf(carol)).not.toContain(bob.identity.key);
      });

      test('with the grant of another person, another group or an epoch that is over is refused', () => {
        const { room, alice, bob, carol } = roomOfThree();
        const grantOf = (person: Device, lastEpoch: number, groupId = room.groupId, by = alice) => ({
          lastEpoch,
          signature: fromBase64url(
            by.identity.sign(removalGrantMessage(groupId, fromBase64url(person.identity.key)!, lastEpoch)),
          )!,
        });
        const removed = [leafOf(carol)];
        for (const grant of [
          grantOf(carol, 9),
          grantOf(bob, 1),
          grantOf(
            bob,
            9,
            room.groupId.map((byte) => byte ^ 1),
          ),
          grantOf(bob, 9, room.groupId, bob),
          { ...grantOf(bob, 9), lastEpoch: 10 },
        ])
          expectRejected(
            room,
            forgeRemoval(room, bob, removed, { grant, leaves: [] }),
            refusal,
            alice,
            carol,
          );
        const right = forgeRemoval(room, bob, removed, { grant: grantOf(bob, 9), leaves: [] });
        room.append(right);
        room.read(alice);
        expect(rosterOf(alice)).not.toContain(carol.identity.key);
      });

      test('by a leave statement that the member did not sign, or that is over, is refused', () => {
        const { room, alice, bob, carol } = roomOfThree();
        const leaveOf = (person: Device, lastEpoch: number, by = person): LeaveStatement => {
          const { publicKey } = person.context.device;
          const message = leaveMessage(room.groupId, publicKey, lastEpoch);
          return { device: publicKey, lastEpoch, signature: by.context.device.sign(message) };
        };
        const removed = [leafOf(carol)];
        for (const leave of [
          leaveOf(carol, 9, bob),
          leaveOf(bob, 9),
          leaveOf(carol, 1),
          { ...leaveOf(carol, 9), lastEpoch: 10 },
        ])
          expectRejected(room, forgeRemoval(room, bob, removed, { leaves: [leave] }), refusal, alice, carol);
        // One who leaves takes nobody along.
        const both = forgeRemoval(room, bob, [leafOf(alice), leafOf(carol)], { leaves: [leaveOf(carol, 9)] });
        expectRejected(room, both, refusal, alice, carol);
        room.append(forgeRemoval(room, bob, removed, { leaves: [leaveOf(carol, 9)] }));
        room.read(alice);
        expect(rosterOf(alice)).not.toContain(carol.identity.key);
      });
    });

    /** A commit of a member that is invalid for the members of some leaves. */
    const partlyValid = (room: Room, member: Device, ...wrong: readonly Device[]) => {
      const forged = { wrongLeaves: wrong.map(leafOf) };
      return frameOf(member, room.attacker.commit(engineStateOf(member), member.context.device, forged));
    };

    test('21: a commit that is valid for some only makes the others join again, and all agree', () => {
      const { room, alice, bob, carol } = roomOfThree();
      room.append(partlyValid(room, bob, carol));
      room.read(alice, carol);
      expect([epochOf(alice), epochOf(carol)]).toStrictEqual([3, 2]);
      expect(carol.events.slice(-2)).toMatchObject([
        { type: 'rejected', reason: 'invalid commit secret' },
        { type: 'behind', epoch: 3 },
      ]);
      room.join(carol);
      room.read(alice, carol);
      expect(agree(alice, carol)).toBe(true);
      expect(rosterOf(alice)).toHaveLength(3);
    });

    test('21: two commits for one epoch, each valid for some, split nobody off', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const dave = outsiderOf(room, 'dave');
      room.join(dave);
      room.read(alice, bob, carol, dave);
      // In MLS, the two have a key of the tree in common.
      for (const wrong of [[carol, dave], [alice]]) room.append(partlyValid(room, bob, ...wrong));
      // What an honest member sends at the same time is for the same epoch.
      room.commit(carol);
      room.send(carol, 'for the same epoch');
      room.read(alice, carol, dave);
      expect([alice, carol, dave].map(epochOf)).toStrictEqual([4, 3, 3]);
      expect([alice, carol, dave].map(lastOf)).toStrictEqual(['void', 'void', 'void']);
      for (const each of [carol, dave]) {
        room.join(each);
        room.read(alice, carol, dave);
      }
      expect(agree(alice, carol, dave)).toBe(true);
      expectOpen(room, alice, alice, carol, dave);
    });

    test('21: a commit that is valid for nobody makes all join again, and all agree', () => {
      const { room, alice, bob, carol } = roomOfThree();
      room.append(partlyValid(room, bob, alice, carol));
      room.read(alice, carol);
      room.commit(alice);
      room.read(alice, carol);
      expect([alice, carol].map(epochOf)).toStrictEqual([2, 2]);
      expect([alice, carol].map(lastOf)).toStrictEqual(['void', 'void']);
      for (const each of [alice, carol]) {
        room.join(each);
        room.read(alice, carol);
      }
      expect(agree(alice, carol)).toBe(true);
      expect(epochOf(alice)).toBe(5);
      expectOpen(room, alice, alice, carol);
    });

    test('21: a commit of a member without a group info update counts for nobody, also if members could apply it', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const { commit, groupInfoUpdate } = partsOf(partlyValid(room, bob, carol));
      const dave = outsiderOf(room, 'dave');
      for (const wrong of [new Uint8Array(0), new Uint8Array(135), groupInfoUpdate.slice(1)]) {
        expectRejected(room, commitFrame(commit, wrong), 'invalid group info update', alice);
        room.read(carol, dave);
        expect([epochOf(carol), lastOf(carol)]).toStrictEqual([2, 'invalid commit secret']);
      }
      expectOpen(room, alice, alice, bob, carol);
    });

    test('24: a newcomer that joins during a removal cannot undo it', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const dave = outsiderOf(room, 'dave');
      room.commit(alice, { remove: [leafOf(bob)] });
      room.join(dave);
      room.read(alice, bob, carol, dave);
      expect([alice, carol].map(lastOf)).toStrictEqual(['void', 'void']);
      expect(dave.session.state.phase).toBe('newcomer');
      room.join(dave);
      room.read(alice, carol, dave);
      expect(agree(alice, carol, dave)).toBe(true);
      expect(rosterOf(dave)).not.toContain(bob.identity.key);
      expect(bob.session.state.phase).toBe('removed');
    });

    describe('25: a group info update', () => {
      const failure = 'invalid group info update';

      test('that is missing, or that no member signed for this commit, makes the commit count for nobody', () => {
        const { room, alice, bob, carol } = roomOfThree();
        const dave = outsiderOf(room, 'dave');
        const earlier = partsOf(room.frameAt(2)).groupInfoUpdate;
        const right = room.commit(bob);
        room.log.pop();
        const { commit, groupInfoUpdate } = partsOf(right);
        const bent = flipBit(groupInfoUpdate, 50);
        for (const wrong of [new Uint8Array(0), new Uint8Array(135), earlier, bent]) {
          expectRejected(room, commitFrame(commit, wrong), failure, alice, bob, carol);
          room.read(dave);
          expect(lastOf(dave)).toBe(failure);
        }
        // The right one behind them counts, also for its committer.
        room.append(right);
        room.read(alice, bob, carol);
        expect([alice, bob, carol].map(epochOf)).toStrictEqual([3, 3, 3]);
        expect(agree(alice, bob, carol)).toBe(true);
      });

      test('with a wrong key, which only members can see, makes all want to post a right one', () => {
        const { room, alice, bob, carol } = roomOfThree();
        const needs = () => [alice, bob, carol].map((each) => memberOf(each).needsGroupInfo);
        expect(needs()).toStrictEqual([false, false, false]);
        const { commit } = partsOf(room.commit(bob));
        room.log.pop();
        const { engine, device } = bob.context;
        const wrong = engine.formatGroupInfoUpdate(memberOf(bob).pending!.state, device, new Uint8Array(33));
        room.append(commitFrame(commit, wrong));
        room.read(alice, bob, carol);
        expect([alice, bob, carol].map(epochOf)).toStrictEqual([3, 3, 3]);
        expect(needs()).toStrictEqual([true, true, true]);
        room.postGroupInfo(alice);
        room.read(alice, bob, carol);
        expect(needs()).toStrictEqual([false, false, false]);
        const dave = outsiderOf(room, 'dave');
        room.join(dave);
        room.read(alice, bob, carol, dave);
        expect(agree(alice, bob, carol, dave)).toBe(true);
      });
    });

    test('27: a member that floods the room with commits changes the keys once in 32 entries', () => {
      const { room, alice, bob, carol } = roomOfThree();
      for (let count = 0; count < 60; count += 1) {
        room.commit(bob);
        room.read(alice, bob, carol);
        if (count === 20) expectOpen(room, alice, alice, bob, carol);
      }
      // Of bob's commits the first counts, then the next after that of alice, and one more behind 32 entries.
      expect(epochOf(alice)).toBe(2 + 4);
      expect(agree(alice, bob, carol)).toBe(true);
    });

    describe('what an invite holder still can', () => {
      test('split the members by an external commit that is valid for some only', () => {
        const { room, alice, bob, carol } = roomOfThree();
        // Carol may commit again at once.
        expectOpen(room, alice, alice, bob, carol);
        const mallory = outsiderOf(room);
        room.append(frameOf(mallory, forgeJoin(room, mallory, { wrongLeaves: [leafOf(carol)] })));
        room.commit(carol);
        room.read(alice, bob, carol);
        expect([alice, bob, carol].map(epochOf)).toStrictEqual([4, 4, 4]);
        expect(agree(alice, bob)).toBe(true);
        // The room codes differ, and neither reads the other.
        expect(agree(alice, carol)).toBe(false);
      });

      test('lead newcomers to a false epoch, from which the members do not lead them back', () => {
        const { room, alice, bob, carol } = roomOfThree();
        const [mallory, dave] = [outsiderOf(room), outsiderOf(room, 'dave')];
        const forged = forgeJoin(room, mallory, { wrongLeaves: [alice, bob, carol].map(leafOf) });
        room.append(frameOf(mallory, forged));
        const { engine, device } = mallory.context;
        const falseState = room.attacker.inEpoch(forged.state, 9);
        room.append({
          type: 'groupInfo',
          groupInfo: engine.formatGroupInfo(falseState, device, new Uint8Array(33)),
        });
        room.read(alice, bob, carol, dave);
        expect([alice, bob, carol].map((each) => memberOf(each).needsGroupInfo)).toStrictEqual([
          true,
          true,
          true,
        ]);
        room.postGroupInfo(alice);
        room.read(alice, bob, carol, dave);
        expect(groupInfoOf(dave).epoch).toBe(9);
        // The members are not misled.
        expectOpen(room, alice, alice, bob, carol);
      });
    });
  });

onEachEngine(worker, itResists);

describe.each(SUITES)('commits, attacked, on the star engine alone, %s', (_name, createSuite) => {
  // An external commit of MLS removes one leaf at most.
  test('6: a newcomer cannot remove several people at once', () => {
    const attacked = attackedStar(createSuite(seededRandom('session room')));
    const { room, alice, bob, carol } = sessionRoomOfThree(attacked);
    const mallory = room.device('mallory');
    room.read(mallory);
    if (mallory.session.state.phase !== 'newcomer') throw new Error('a newcomer');
    const removed = [alice, bob, carol].map(leafOf);
    const { groupInfo } = mallory.session.state;
    const { commit } = attacked.attacker.join(groupInfo!, mallory.context.device, { removed });
    room.append(commitFrame(commit));
    room.read(alice, bob, carol);
    for (const each of [alice, bob, carol]) {
      expect(lastOf(each)).toBe('a newcomer removes another person');
      expect(rosterOf(each)).toHaveLength(3);
    }
  });
});
