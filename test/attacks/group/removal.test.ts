import { createHmac } from 'node:crypto';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { Plaintext } from '../../../streams/client/envelope/cipher.js';
import { removalGrantMessage } from '../../../streams/client/group/commitData.js';
import { keyOf } from '../../../streams/client/group/ratchet.js';
import { createReadBack } from '../../../streams/client/group/readBack.js';
import { stageCommit } from '../../../streams/client/group/stageHandshake.js';
import { bytesToToken } from '../../../streams/client/group/tokenBytes.js';
import { fromBase64url } from '../../../streams/wire/encoding.js';
import type { GroupInfo } from '../../../streams/client/group/index.js';
import { hex } from '../../support/cryptoSuites.js';
import type { AttackedEngine } from '../../support/group/attackedEngine.js';
import { onEachEngine } from '../../support/group/attackedEngines.js';
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
  textsOf,
} from '../../support/group/sessionDevice.js';
import { type SessionRoom, sessionRoomOfThree } from '../../support/group/sessionRoom.js';

const worker = createWorkerEngine();
afterAll(worker.close);

const itResists = <State, Info extends GroupInfo>(
  name: string,
  create: () => AttackedEngine<State, Info>,
): void =>
  describe(`removal, attacked, on ${name}`, () => {
    type Room = SessionRoom<State, Info>;
    type Device = SessionDevice<State, Info>;
    const nextSecret = new Uint8Array(32).fill(7);

    /** Alice removes bob and moves the room, while a thief has the state that bob had. The room goes on in the next log. */
    const removedBob = () => {
      const { room, alice, bob, carol } = sessionRoomOfThree(create());
      room.send(bob, 'as a member');
      room.read(alice, bob, carol);
      const thief = room.copy(bob);
      const carolBefore = engineStateOf(carol);
      const frame = room.commit(alice, { remove: [leafOf(bob)], inviteSecret: nextSecret });
      room.read(alice, bob, carol);
      const old = room.log.length;
      for (const each of [alice, carol]) each.session.changeLog();
      return { room, alice, bob, carol, carolBefore, thief, frame, old };
    };
    /** Everything that can open a token: all bytes of the engine's state, and the keys in or one step from the rest. */
    const keysOf = (room: Room, device: Device): readonly Uint8Array[] => {
      const { epoch } = memberOf(device);
      const chains = epoch.senders.flatMap((slots) =>
        (slots ?? []).flatMap((ratchet) => [
          ratchet!.oldest.key,
          ...[0, 1, 2].map((more) => keyOf(ratchet!, ratchet!.next.generation + more, room.suite)!.key),
        ]),
      );
      const state = device.context.engine.formatState(epoch.engineState);
      const parts = Array.from({ length: state.length - 31 }, (_, at) => state.subarray(at, at + 32));
      const { inviteSecret } = room;
      return [
        inviteSecret,
        room.outerKeyOf(inviteSecret),
        epoch.externalKeyPair.privateKey,
        ...chains,
        ...parts,
      ];
    };
    /** Whether a key signed a token. A state has thousands of bytes, so only the signature is computed. */
    const isReadable = (keys: readonly Uint8Array[], token: string): boolean => {
      const bytes = Buffer.from(token, 'base64url');
      const tag = bytes.subarray(-32);
      return keys.some((key) =>
        createHmac('sha256', key.subarray(0, 16)).update(bytes.subarray(0, -32)).digest().equals(tag),
      );
    };

    test('22: a removed member reads nothing behind its removal, with any of its keys', () => {
      const { room, alice, bob, carol, carolBefore, thief, frame, old } = removedBob();
      expect(bob.session.state).toStrictEqual({ phase: 'removed' });
      room.log.push(
        alice.session.seal({
          nick: 'a',
          lines: ['secret'],
          session: 'A'.repeat(22),
          counter: 9,
          time: 0,
          stored: 0,
        }),
      );
      room.deliver(carol, room.log.at(-1)!);
      expect(textsOf(carol)).toContain('secret');
      const keys = keysOf(room, thief);
      // A control: these keys open what was sent before.
      expect(isReadable(keys, room.log[old - 2]!)).toBe(true);
      expect(isReadable(keys, room.log.at(-1)!)).toBe(false);
      // The secret of the next invite opens under no key of its state.
      if (frame.type !== 'commit') throw new TypeError('a commit');
      expect(isReadable(keys, bytesToToken(frame.sealedInviteSecret))).toBe(false);
      // Its private keys open no secret of the commit.
      expect(room.attacker.opensSecretOf(carolBefore, frame.commit)).toBe(true);
      expect(room.attacker.opensSecretOf(engineStateOf(thief), frame.commit)).toBe(false);
      const { engine } = thief.context;
      expect(engine.processCommit(engineStateOf(thief), frame.commit).kind).toBe('removed');
    });

    test('22: with its former state, the old invite and the help of the relay it gets in nowhere', () => {
      const { room, alice, carol, thief, old } = removedBob();
      const before = [alice, carol].map(authenticatorOf);
      // The relay shows it the new log, and shows the members whatever it makes.
      room.log.push(
        alice.session.seal({
          nick: 'a',
          lines: ['secret'],
          session: 'A'.repeat(22),
          counter: 9,
          time: 0,
          stored: 0,
        }),
      );
      const secret = room.log.at(-1)!;
      thief.readCount = old;
      room.deliver(thief, secret);
      expect(lastOf(thief)).toBe('wrong key or tampered');
      const attempts: (() => void)[] = [
        () => room.send(thief, 'still here'),
        () => room.commit(thief),
        () => room.postGroupInfo(thief),
      ];
      for (const attempt of attempts) {
        const start = room.log.length;
        attempt();
        for (const token of room.log.slice(start))
          for (const each of [alice, carol]) {
            room.deliver(each, token);
            // Its outer key is not that of the room any more.
            expect(lastOf(each)).toBe('wrong key or tampered');
          }
      }
      expect([alice, carol].map(authenticatorOf)).toStrictEqual(before);
      expect(room.outerKeyOf(nextSecret)).not.toStrictEqual(room.outerKeyOf(room.inviteSecret));
      // The old invite with a new device: the members moved.
      const again = room.device('bob', { label: 'phone' });
      for (const token of room.log.slice(0, old)) room.deliver(again, token);
      expect(lastOf(again)).toBe('withdrawn');
      expect(() => room.join(again)).toThrow('no group info yet');
    });

    test('22: if the room did not move, its ghost epoch convinces nobody', () => {
      const { room, alice, bob, carol } = sessionRoomOfThree(create());
      const thief = room.copy(bob);
      room.commit(alice, { remove: [leafOf(bob)] });
      // Its late commit, and one that continues from its own epoch, as if the removal were not there.
      room.commit(thief);
      const ghost = memberOf(thief).pending!.state;
      room.send(thief, 'too late');
      room.read(alice, bob, carol);
      expect(alice.events.slice(-2).map(({ type }) => type)).toStrictEqual(['void', 'void']);
      const { commit } = thief.context.engine.createCommit(ghost, thief.context.device);
      const update = thief.context.engine.formatGroupInfoUpdate(ghost, thief.context.device);
      room.append({
        type: 'commit',
        commit,
        groupInfoUpdate: update,
        sealedInviteSecret: new Uint8Array(0),
      });
      room.read(alice, carol);
      expect([alice, carol].map(epochOf)).toStrictEqual([3, 3]);
      expect(lastOf(alice)).not.toBe('epoch');
      // Its group info is wrong for all: they want to post the right one.
      const groupInfo = thief.context.engine.formatGroupInfo(ghost, thief.context.device);
      room.append({ type: 'groupInfo', groupInfo });
      room.read(alice, carol);
      expect([alice, carol].map((each) => memberOf(each).ahead)).toStrictEqual([undefined, undefined]);
      expect(memberOf(alice).needsGroupInfo).toBe(true);
      room.send(alice, 'hello');
      room.read(carol);
      expect(textsOf(carol)).toStrictEqual(['hello']);
      room.deliver(thief, room.log.at(-1)!);
      expect(textsOf(thief)).toStrictEqual([]);
    });

    test('22: a relay that hides its removal from a removed member shows it nothing more', () => {
      const { room, alice, bob, carol } = sessionRoomOfThree(create());
      room.commit(alice, { remove: [leafOf(bob)] });
      room.read(alice, carol);
      room.send(alice, 'without bob');
      room.read(carol);
      expect(textsOf(carol)).toStrictEqual(['without bob']);
      room.deliver(bob, room.log.at(-1)!);
      expect([lastOf(bob), textsOf(bob)]).toStrictEqual(['behind', []]);
    });

    test('29: an invite holder and a relay that hides the group make a false one, but not with its room code or messages', () => {
      const { room, alice, carol } = sessionRoomOfThree(create());
      room.send(alice, 'true');
      const mallory = room.device('mallory');
      const dave = room.device('dave');
      room.read(mallory, alice, dave);
      const { state } = mallory.session;
      if (state.phase !== 'newcomer') throw new Error('a newcomer');
      const { engine, device } = mallory.context;
      // The members and itself, with keys of its own, in an epoch that is far ahead.
      const joined = room.attacker.join(state.groupInfo!, device);
      const falseState = room.attacker.inEpoch(joined.state, 9);
      const groupInfo = engine.formatGroupInfo(falseState, device, new Uint8Array(33));
      expect(engine.parseGroupInfo(groupInfo)).toBeDefined();
      room.append({ type: 'groupInfo', groupInfo });
      // A control: with the beginning of the log the newcomer takes no group info of somebody unknown.
      room.read(dave);
      expect(dave.session.state).toMatchObject({ phase: 'newcomer', groupInfo: { epoch: 2 } });
      // With the help of the relay, which shows nothing else, it does.
      const erin = room.device('erin');
      room.deliver(erin, room.log.at(-1)!);
      expect(erin.session.state).toMatchObject({ phase: 'newcomer', groupInfo: { epoch: 9 } });
      // So has an external sender that reads only the newest entries, until a member posts the right one.
      const cron = room.device('cron');
      const readBack = createReadBack();
      readBack.onWelcome({ from: 100, first: 1 });
      room.deliver(cron, room.log.at(-1)!);
      expect(readBack.isEnough(cron.session.state)).toBe(true);
      room.read(alice);
      room.postGroupInfo(alice);
      room.deliver(cron, room.log.at(-1)!);
      expect(readBack.isEnough(cron.session.state)).toBe(false);
      room.read(dave);
      expect(dave.session.state).toMatchObject({ phase: 'newcomer', groupInfo: { epoch: 2 } });

      room.join(erin);
      room.deliver(erin, room.log.at(-1)!);
      expect(epochOf(erin)).toBe(10);
      // Not one member accepts it, and what members send there does not open.
      room.read(alice, carol);
      expect([alice, carol].map(epochOf)).toStrictEqual([2, 2]);
      expect(authenticatorOf(erin)).not.toBe(authenticatorOf(alice));
      room.send(alice, 'true');
      room.deliver(erin, room.log.at(-1)!);
      expect(textsOf(erin)).toStrictEqual([]);
    });

    test('34: who takes the nick of a removed member is shown with another key', () => {
      const { room, alice, bob, carol } = sessionRoomOfThree(create());
      room.send(bob, 'true');
      room.read(alice, carol);
      room.commit(alice, { remove: [leafOf(bob)] });
      const mallory = { ...room.device('mallory'), name: 'bob' };
      room.read(alice, carol, mallory);
      room.join(mallory);
      room.read(alice, carol, mallory);
      room.send(mallory, 'false');
      room.read(carol);
      const senders = carol.events.flatMap((event) => (event.type === 'opened' ? [event.envelope] : []));
      expect(senders).toMatchObject([
        { nick: 'bob', key: bob.identity.key },
        { nick: 'bob', key: mallory.identity.key },
      ]);
      expect(leafOf(mallory)).toBe(1);
    });

    test('35: a grant of before counts no more once its epochs are over, also after a readmission', () => {
      const { room, alice, bob, carol } = sessionRoomOfThree(create());
      const grantOf = (lastEpoch: number) => ({
        lastEpoch,
        signature: fromBase64url(
          alice.identity.sign(removalGrantMessage(room.groupId, fromBase64url(bob.identity.key)!, lastEpoch)),
        )!,
      });
      const grant = grantOf(2);
      const remove = [leafOf(carol)];
      expect(typeof stageCommit(bob.context, memberOf(bob), { remove, grant })).toBe('object');
      room.commit(alice, { remove: [leafOf(bob)] });
      const again = room.device('bob');
      room.read(alice, carol, again);
      room.join(again);
      room.read(alice, carol, again);
      expect(agree(alice, carol, again)).toBe(true);
      const staged = (data: ReturnType<typeof grantOf>) =>
        stageCommit(again.context, memberOf(again), { remove, grant: data });
      expect(staged(grant)).toBe('no right to remove');
      expect(typeof staged(grantOf(4))).toBe('object');
      expect(rosterOf(alice)).toHaveLength(3);
    });

    test('36: after the relay lost its log, a newcomer that is first there cannot begin another group', () => {
      const { room, alice, bob, carol } = sessionRoomOfThree(create());
      const [dave, mallory] = [room.device('dave'), room.device('mallory')];
      room.log.splice(0);
      for (const each of [alice, bob, carol]) {
        each.session.changeLog();
        each.readCount = 0;
      }
      room.read(dave);
      expect(() => room.join(dave)).toThrow('no group info yet');
      // Somebody with the invite creates a group under this group id, in its own name.
      room.create(mallory);
      room.read(dave, alice, bob, carol);
      expect([dave, mallory].map(lastOf)).toStrictEqual(['invalid group info', undefined]);
      expect(() => room.join(dave)).toThrow('no group info yet');
      expect(memberOf(alice).needsGroupInfo).toBe(true);
      room.postGroupInfo(alice);
      room.read(dave, alice, bob, carol);
      room.join(dave);
      room.read(alice, bob, carol, dave);
      expect(agree(alice, bob, carol, dave)).toBe(true);
    });

    test('11, 12: another group in the log, and a group in the name of another, are ignored', () => {
      const { room, alice, bob, carol } = sessionRoomOfThree(create());
      const mallory = room.device('mallory');
      const other = { ...mallory, context: { ...mallory.context } };
      room.create(other);
      const { engine, device } = mallory.context;
      const strange = engine.createGroup(room.suite.randomBytes(50), device);
      room.append({ type: 'create', groupInfo: engine.formatGroupInfo(strange, device) });
      room.append({ type: 'groupInfo', groupInfo: engine.formatGroupInfo(strange, device) });
      const dave = room.device('dave');
      room.read(alice, bob, carol, dave);
      expect(dave.events.slice(-3).map((event) => 'reason' in event && event.reason)).toStrictEqual(
        Array(3).fill('invalid group info'),
      );
      expect([alice, bob, carol].map(epochOf)).toStrictEqual([2, 2, 2]);
      room.join(dave);
      room.read(alice, bob, carol, dave);
      expect(agree(alice, bob, carol, dave)).toBe(true);
    });

    test('23: the state after reading has no key of a message that was read', () => {
      const { room, alice, carol } = sessionRoomOfThree(create());
      room.send(alice, 'read');
      const read = room.log.length;
      room.read(carol);
      room.send(alice, 'not read yet');
      const keys = keysOf(room, carol);
      const innerOf = (position: number): string => {
        const frame = room.frameAt(position);
        if (frame.type !== 'message') throw new TypeError('a message');
        return bytesToToken(frame.token);
      };
      expect(isReadable(keys, innerOf(read + 1))).toBe(true);
      expect(isReadable(keys, innerOf(read))).toBe(false);
      // Neither does the state have the secret from which they were derived, or the key of the next message itself.
      const { engine } = carol.context;
      const state = engineStateOf(carol);
      expect(() => engine.exportSecret(state, 'label', new Uint8Array(0))).toThrow(
        'exporter secret was dropped',
      );
      expect(hex(engine.formatState(state))).not.toContain(
        hex(memberOf(carol).epoch.senders[0]![0]!.oldest.key),
      );
    });

    test('31: a restored backup of a state uses no message key again that others accept, and joins again', () => {
      const { room, alice, bob, carol } = sessionRoomOfThree(create());
      const backup = room.copy(bob);
      room.send(bob, 'one');
      room.commit(bob);
      room.read(alice, bob, carol);
      room.send(backup, 'two');
      room.read(alice, carol);
      expect([alice, carol].map(lastOf)).toStrictEqual(['void', 'void']);
      room.read(backup);
      expect(backup.events).toMatchObject([
        { type: 'opened' },
        { type: 'rejected', reason: 'own commit' },
        { type: 'behind' },
        { type: 'void' },
      ]);
      room.join(backup);
      room.read(alice, carol, backup);
      expect(agree(alice, carol, backup)).toBe(true);
      expect(rosterOf(alice)).toHaveLength(3);
      room.read(bob);
      expect(bob.session.state.phase).toBe('removed');
    });

    test('31: in the same epoch, the others open only one of two messages with the same message key', () => {
      const { room, alice, bob, carol } = sessionRoomOfThree(create());
      const backup = room.copy(bob);
      room.send(bob, 'one');
      room.send(backup, 'two');
      room.read(alice, carol);
      for (const each of [alice, carol])
        expect([textsOf(each), lastOf(each)]).toStrictEqual([['one'], 'forgotten']);
    });

    test('32: two processes of one device send at once, each with keys of its own', () => {
      const { room, alice, bob, carol } = sessionRoomOfThree(create());
      const { state } = bob.session;
      if (state.phase !== 'member') throw new Error('a member');
      const chain = state.epoch.senders[leafOf(bob)]![1]!.next;
      const second = room.device('bob', {
        slot: 1,
        state: {
          ...state,
          sending: { slot: 1, chainKey: chain, reserved: chain.generation, first: chain.generation },
        },
      });
      second.readCount = bob.readCount;
      for (const each of [bob, second, bob, second]) room.send(each, 'text');
      room.read(alice, carol, bob, second);
      for (const each of [alice, carol, bob, second]) expect(textsOf(each)).toHaveLength(4);
      const used = [3, 4, 5, 6].map((position) => {
        const frame = room.frameAt(position + 1);
        return frame.type === 'message' ? [frame.slot, frame.generation] : [];
      });
      expect(new Set(used.map(String)).size).toBe(4);
    });

    test('a plaintext that is no frame, under the right outer key, is nothing', () => {
      const { room, alice, carol } = sessionRoomOfThree(create());
      const before = memberOf(carol);
      const { cipher } = alice.context;
      for (const bytes of [new Uint8Array(0), new Uint8Array(512).fill(2), room.suite.randomBytes(1024)]) {
        room.deliver(carol, cipher.seal(room.outerKeyOf(room.inviteSecret), bytes as Plaintext, 0));
        expect(lastOf(carol)).toBe('not a frame');
      }
      expect(memberOf(carol)).toBe(before);
    });
  });

onEachEngine(worker, itResists);
