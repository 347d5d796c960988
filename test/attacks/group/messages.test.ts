import { afterAll, describe, expect, test } from '@jest/globals';
import { asFernetKey, type Plaintext, type Token } from '../../../streams/client/envelope/cipher.js';
import { encodeBoundEnvelope } from '../../../streams/client/group/boundEnvelope.js';
import { type Frame, openFrame, sealFrame, type SenderData } from '../../../streams/client/group/frame.js';
import { formatGroupInfoData } from '../../../streams/client/group/groupInfoData.js';
import { keyOf } from '../../../streams/client/group/ratchet.js';
import { createExternalSender, sealExternalMessage } from '../../../streams/client/group/sealMessage.js';
import { bytesToToken, tokenToBytes } from '../../../streams/client/group/tokenBytes.js';
import { applyFrame } from '../../../streams/client/group/applyFrame.js';
import type { CryptoSuite, GroupInfo } from '../../../streams/client/group/index.js';
import type { AttackedEngine } from '../../support/group/attackedEngine.js';
import { onEachEngine } from '../../support/group/attackedEngines.js';
import { createWorkerEngine } from '../../support/group/mls/workerEngine.js';
import { lastOf, leafOf, memberOf, type SessionDevice, textsOf } from '../../support/group/sessionDevice.js';
import { type SessionRoom, sessionRoomOfThree } from '../../support/group/sessionRoom.js';

const worker = createWorkerEngine();
afterAll(worker.close);

const content = { nick: 'nick', lines: ['text'], session: 'A'.repeat(22), counter: 1, time: 0, stored: 0 };

const messageOf = (frame: Frame) => {
  if (frame.type !== 'message') throw new TypeError(`a message is expected, not a ${frame.type}`);
  return frame;
};

const itResists = <State, Info extends GroupInfo>(
  name: string,
  create: () => AttackedEngine<State, Info>,
): void =>
  describe(`messages, attacked, on ${name}`, () => {
    type Room = SessionRoom<State, Info>;
    type Device = SessionDevice<State, Info>;
    const roomOfThree = () => sessionRoomOfThree(create());
    /** Encrypts with the message key of any place, as every member can. */
    const forge = (member: Device, place: Omit<SenderData, 'epoch'>, plaintext: Plaintext): Frame => {
      const { epoch } = memberOf(member);
      const { suite, cipher } = member.context;
      const { key } = keyOf(epoch.senders[place.leaf]![place.slot]!, place.generation, suite)!;
      const token = tokenToBytes(cipher.seal(key, plaintext, 0));
      return { type: 'message', epoch: epoch.view.epoch, ...place, token };
    };
    /** Opens a message with its message key, as every member can. */
    const open = (member: Device, frame: Frame): Plaintext => {
      const { leaf, slot, generation, token } = messageOf(frame);
      const { suite, cipher } = member.context;
      const { key } = keyOf(memberOf(member).epoch.senders[leaf]![slot]!, generation, suite)!;
      const plaintext = cipher.open(key, bytesToToken(token));
      if (typeof plaintext === 'string') throw new Error(plaintext);
      return plaintext;
    };
    const placeOf = (frame: Frame) => {
      const { leaf, slot, generation } = messageOf(frame);
      return { leaf, slot, generation };
    };
    const expectNext = (room: Room, sender: Device, ...readers: readonly Device[]): void => {
      room.send(sender, 'the next one');
      room.read(...readers);
      for (const each of readers) expect(textsOf(each).at(-1)).toBe('the next one');
    };

    test('1: an outsider without the invite opens and makes no frame', () => {
      const { room, alice, bob, carol } = roomOfThree();
      room.send(alice, 'hello');
      room.read(bob, carol);
      expect(textsOf(bob)).toStrictEqual(['hello']);
      const { cipher } = alice.context;
      const otherKey = asFernetKey(room.suite.randomBytes(32));
      for (const token of room.log) expect(openFrame(cipher, otherKey, token)).toBe('wrong key or tampered');
      const frame = room.frameAt(room.log.length);
      const before = memberOf(carol);
      for (const token of [
        sealFrame(cipher, otherKey, frame, 0),
        cipher.seal(room.outerKeyOf(room.inviteSecret), new Uint8Array(512) as Plaintext, 0),
        'gAAAA' as Token,
        room.log.at(-1)!.replace(/.{9}=*$/, 'AAAAAAAA') as Token,
      ]) {
        room.deliver(carol, token);
        expect(carol.events.at(-1)).toMatchObject({ type: 'undecryptable' });
      }
      expect(memberOf(carol)).toStrictEqual(before);
      // The relay reads nothing: no token contains what is inside.
      expect(room.log.join()).not.toContain(alice.identity.key);
    });

    test('2: a message that is replayed is not opened again', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const frame = room.send(bob, 'once');
      room.read(alice, bob, carol);
      room.log.push(room.log.at(-1)!);
      for (const each of [alice, bob, carol]) {
        room.read(each);
        expect([textsOf(each), lastOf(each)]).toStrictEqual([['once'], 'forgotten']);
      }
      room.commit(alice);
      room.append(frame);
      for (const each of [alice, bob, carol]) {
        room.read(each);
        expect([textsOf(each), lastOf(each)]).toStrictEqual([['once'], 'void']);
      }
      expectNext(room, bob, alice, carol);
    });

    test('16: a message that a member forges in the chain of another is an alarm', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const place = { leaf: leafOf(alice), slot: 0, generation: 0 };
      for (const leaf of [leafOf(alice), leafOf(bob)]) {
        const signed = { epoch: 2, ...place, leaf };
        const plaintext = encodeBoundEnvelope(content, bob.context.device, room.groupId, signed);
        room.append(forge(bob, place, plaintext));
        room.read(alice, carol);
        for (const each of [alice, carol])
          expect(each.events.at(-1)).toMatchObject({
            type: 'alarm',
            reason: 'bad-signature',
            key: alice.identity.key,
          });
      }
      expectNext(room, alice, bob, carol);
    });

    test('17: a member uses up no message key of another', () => {
      const { room, alice, bob, carol } = roomOfThree();
      for (const generation of [0, 1, 500, 1023])
        room.append(
          forge(bob, { leaf: leafOf(alice), slot: 0, generation }, new Uint8Array(64) as Plaintext),
        );
      room.read(alice, carol);
      expect(carol.events.slice(-4).map(({ type }) => type)).toStrictEqual([
        'alarm',
        'alarm',
        'alarm',
        'alarm',
      ]);
      // Neither does anybody with the invite, by bytes that do not open.
      for (const generation of [0, 1, 500, 1023]) {
        const frame: Frame = {
          type: 'message',
          epoch: 2,
          leaf: leafOf(alice),
          slot: 0,
          generation,
          token: new Uint8Array(90).fill(128),
        };
        room.append(frame);
      }
      // Alice does not read them, so that she goes on with the key that the others have to have.
      room.read(carol);
      expect(carol.events.at(-1)).toMatchObject({ type: 'undecryptable' });
      expectNext(room, alice, bob, carol);
      // With its own key a member can go that far: what is before it is then forgotten.
      const own = { leaf: leafOf(bob), slot: 0, generation: 1023 };
      const envelope = encodeBoundEnvelope(content, bob.context.device, room.groupId, { epoch: 2, ...own });
      room.append(forge(bob, own, envelope));
      room.send(bob, 'too late');
      room.read(carol);
      expect(carol.events.slice(-2).map(({ type }) => type)).toStrictEqual(['opened', 'forgotten']);
    });

    test('18: a true envelope in another place is an alarm', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const frame = room.send(alice, 'true');
      const plaintext = open(bob, frame);
      room.read(alice, bob, carol);
      const place = placeOf(frame);
      for (const other of [
        { ...place, generation: 1 },
        { ...place, slot: 1 },
        { ...place, leaf: leafOf(bob) },
        { ...place, leaf: leafOf(bob), generation: 3 },
      ]) {
        room.append(forge(bob, other, plaintext));
        room.read(carol);
        expect(lastOf(carol)).toBe('alarm');
      }
      expect(textsOf(carol)).toStrictEqual(['true']);
      expectNext(room, alice, carol);
    });

    test('19: a generation far ahead costs nothing and opens nothing', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const frame = messageOf(room.send(alice, 'hello'));
      room.read(alice, bob, carol);
      let steps = 0;
      const hmac: CryptoSuite['hmac'] = (key, message) => {
        steps += 1;
        return room.suite.hmac(key, message);
      };
      const context = { ...carol.context, suite: { ...room.suite, hmac } };
      const stepsTo = (generation: number): number => {
        steps = 0;
        const entry = { position: 9, token: 'token' as Token, frame: { ...frame, generation }, timeMs: 0 };
        applyFrame(context, carol.session.state, entry);
        return steps;
      };
      // A control: the ratchet has to go that far.
      expect(stepsTo(1000)).toBeGreaterThan(1000);
      for (const generation of [1025, 100_000, 2 ** 32 - 1]) {
        room.append({ ...frame, generation });
        room.read(carol);
        expect(lastOf(carol)).toBe('wrong key or tampered');
        expect(stepsTo(generation)).toBe(0);
      }
      expectNext(room, alice, carol);
    });

    test('28: a flood in the room that was left changes nothing and costs no key', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const mallory = room.copy(bob);
      room.commit(alice, { remove: [leafOf(bob)], inviteSecret: new Uint8Array(32).fill(7) });
      room.read(alice, carol);
      expect(memberOf(carol).hasMoved).toBe(true);
      const before = memberOf(carol);
      for (let count = 0; count < 100; count += 1) {
        room.send(mallory, 'flood');
        if (count % 10 === 0) room.commit(mallory);
      }
      room.read(carol);
      expect(memberOf(carol)).toStrictEqual({ ...before, position: room.log.length });
      expect(new Set(carol.events.slice(-110).map(({ type }) => type))).toStrictEqual(new Set(['void']));
    });

    test('28: one who was away finds the removal behind a flood of messages', () => {
      const { room, alice, bob, carol } = roomOfThree();
      for (let count = 0; count < 100; count += 1) room.send(bob, 'flood');
      const secret = new Uint8Array(32).fill(7);
      room.read(alice);
      room.commit(alice, { remove: [leafOf(bob)], inviteSecret: secret });
      room.read(carol);
      expect(carol.events.at(-1)).toMatchObject({ type: 'epoch', change: 'removed', move: { secret } });
    });

    test('30: an external sender that was lured to a false group info shows the members nothing false', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const outsider = room.device('erin');
      room.read(outsider);
      const infoOf = ({ session: { state } }: Device) =>
        state.phase === 'newcomer' ? state.groupInfo! : undefined!;
      const right = createExternalSender(outsider.context, infoOf(outsider))!;
      room.append(sealExternalMessage(outsider.context, right, content, outsider.identity).frame);
      room.read(alice, bob, carol);
      expect(carol.events.at(-1)).toMatchObject({ type: 'opened', envelope: { key: outsider.identity.key } });
      // A member signs a group info with an external key of its own.
      const { engine, device, hpke } = bob.context;
      const externalKeyPair = hpke.generateKeyPair();
      const { position } = memberOf(bob);
      const data = formatGroupInfoData({ externalKeyPair, committer: undefined, start: 0 }, position);
      const groupInfo = engine.formatGroupInfo(memberOf(bob).epoch.engineState, device, data);
      room.append({ type: 'groupInfo', groupInfo });
      room.read(outsider, alice, carol);
      const lured = createExternalSender(outsider.context, infoOf(outsider))!;
      room.append(sealExternalMessage(outsider.context, lured, content, outsider.identity).frame);
      room.read(alice, carol);
      expect([alice, carol].map(lastOf)).toStrictEqual(['wrong key or tampered', 'wrong key or tampered']);
      // The members see it and post a right one, from which the next message is readable.
      expect(memberOf(alice).needsGroupInfo).toBe(true);
      room.postGroupInfo(alice);
      room.read(outsider);
      const again = createExternalSender(outsider.context, infoOf(outsider))!;
      room.append(sealExternalMessage(outsider.context, again, content, outsider.identity).frame);
      room.read(alice, carol);
      expect([alice, carol].map(lastOf)).toStrictEqual(['opened', 'opened']);
    });

    test('30: nobody signs an external message with the identity of another', () => {
      const { room, alice, bob, carol } = roomOfThree();
      const mallory = room.device('mallory');
      room.read(mallory);
      if (mallory.session.state.phase !== 'newcomer') throw new Error('a newcomer');
      const sender = createExternalSender(mallory.context, mallory.session.state.groupInfo!)!;
      const stolen = { key: alice.identity.key, sign: mallory.identity.sign };
      room.append(sealExternalMessage(mallory.context, sender, content, stolen).frame);
      room.read(alice, bob, carol);
      expect([alice, bob, carol].map(lastOf)).toStrictEqual(Array(3).fill('not an envelope'));
      room.append(sealExternalMessage(mallory.context, sender, content, mallory.identity).frame);
      room.read(carol);
      expect(lastOf(carol)).toBe('opened');
    });
  });

onEachEngine(worker, itResists);
