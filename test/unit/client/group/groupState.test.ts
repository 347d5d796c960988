import { describe, expect, test } from '@jest/globals';
import type { Plaintext } from '../../../../streams/client/envelope/cipher.js';
import { encodeBoundEnvelope } from '../../../../streams/client/group/boundEnvelope.js';
import {
  GROUP_INFO_INTERVAL_ENTRIES,
  GROUP_INFO_INTERVAL_EPOCHS,
} from '../../../../streams/client/group/applyFrame.js';
import type { Frame } from '../../../../streams/client/group/frame.js';
import { beginEpoch } from '../../../../streams/client/group/groupEpoch.js';
import { formatGroupId } from '../../../../streams/client/group/groupId.js';
import { changeLog, continueLog, createNewcomer } from '../../../../streams/client/group/groupState.js';
import { keyOf } from '../../../../streams/client/group/ratchet.js';
import { createExternalSender, sealExternalMessage } from '../../../../streams/client/group/sealMessage.js';
import { stageGroup } from '../../../../streams/client/group/stageHandshake.js';
import { tokenToBytes } from '../../../../streams/client/group/tokenBytes.js';
import { deviceOf, identityOf } from '../../../support/group/devices.js';
import {
  agree,
  lastEvent,
  memberState,
  roomOfThree,
  type TestDevice,
  testRoom,
  textsOf,
  typesOf,
} from '../../../support/group/room.js';

const content = {
  nick: 'x',
  lines: ['text'],
  session: 'A'.repeat(22),
  counter: 1,
  time: 0,
  stored: 0,
};
const epochOf = (device: TestDevice) => memberState(device).epoch.view.epoch;
const leafOf = (device: TestDevice) => memberState(device).epoch.view.leaf;

/** A message in the name of another member, with the right message key: any member can make one. */
const forge = (device: TestDevice, leaf: number, generation: number, plaintext: Plaintext): Frame => {
  const { epoch } = memberState(device);
  const { suite, cipher } = device.context;
  const { key } = keyOf(epoch.senders[leaf]![0]!, generation, suite)!;
  const token = tokenToBytes(cipher.seal(key, plaintext, 0));
  return { type: 'message', epoch: epoch.view.epoch, leaf, slot: 0, generation, token };
};

describe('joining', () => {
  test('a device joins while the others are away, and all agree', () => {
    const { room, alice, bob, carol } = roomOfThree();
    expect(agree(alice, bob, carol)).toBe(true);
    expect(epochOf(alice)).toBe(2);
    expect(typesOf(alice)).toStrictEqual(['epoch', 'epoch', 'epoch']);
    const dave = room.device(4);
    room.readAll(dave);
    room.join(dave);
    room.readAll(dave);
    room.send(dave, 'hello');
    room.readAll(alice, bob, carol, dave);
    expect(agree(alice, bob, carol, dave)).toBe(true);
    expect(alice.events.slice(-2)).toMatchObject([
      { type: 'epoch', change: 'joined', committer: { label: 'laptop' }, isOwn: false },
      { type: 'opened', sender: { identity: identityOf(4).key }, envelope: { key: identityOf(4).key } },
    ]);
  });

  test('the messages before a device joined are reported as one range', () => {
    const { room, alice, bob, carol } = roomOfThree();
    for (const text of ['one', 'two', 'three']) room.send(alice, text);
    const dave = room.device(4);
    room.readAll(alice, bob, carol, dave);
    expect(dave.events.filter(({ type }) => type !== 'handshake')).toStrictEqual([]);
    room.join(dave);
    room.readAll(alice, bob, carol, dave);
    expect(dave.events.slice(-2)).toMatchObject([
      { type: 'beforeJoin', from: 4, to: 6 },
      { type: 'epoch', change: 'joined', isOwn: true },
    ]);
    room.send(alice, 'four');
    room.readAll(dave);
    expect(textsOf(dave)).toStrictEqual(['four']);
  });

  test('of two that join at once the first wins, and the other joins again', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const [dave, erin] = [room.device(4), room.device(5)];
    room.readAll(dave, erin);
    room.join(dave);
    room.join(erin);
    room.readAll(alice, bob, carol, dave, erin);
    expect([dave.state.phase, erin.state.phase]).toStrictEqual(['member', 'newcomer']);
    expect(lastEvent(alice)).toMatchObject({ type: 'void' });
    room.join(erin);
    room.readAll(alice, bob, carol, dave, erin);
    expect(agree(alice, bob, carol, dave, erin)).toBe(true);
  });

  test('a device that lost its state takes its own place again', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const newBob = room.device(2);
    room.readAll(newBob);
    room.join(newBob);
    room.readAll(alice, carol, newBob);
    expect(agree(alice, carol, newBob)).toBe(true);
    expect(memberState(alice).epoch.view.members).toHaveLength(3);
    room.readAll(bob);
    expect(bob.state.phase).toBe('removed');
  });

  test('another group, and a group in the name of another, are ignored', () => {
    const room = testRoom();
    const mallory = room.device(7);
    const random = new Uint8Array(16);
    const own = formatGroupId({ removalRule: 'creator', creator: identityOf(7).key, random });
    for (const groupId of [own, room.groupId])
      if (mallory.state.phase === 'newcomer')
        room.append(stageGroup(mallory.context, mallory.state, groupId).frame);
    const bob = room.device(2);
    room.readAll(bob);
    expect(typesOf(bob)).toStrictEqual(['invalid group info', 'invalid group info']);
    const alice = room.device(1);
    room.create(alice);
    room.readAll(alice, bob);
    room.join(bob);
    room.readAll(alice, bob);
    expect(agree(alice, bob)).toBe(true);
  });

  test('a commit before the first group info says nothing to a newcomer', () => {
    const { room } = roomOfThree();
    const late = room.device(4);
    late.readCount = 1;
    room.readAll(late);
    expect(typesOf(late)).toStrictEqual(['no group info yet', 'no group info yet']);
  });
});

describe('commits', () => {
  test('the first for an epoch wins for all, and the other is void', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.commit(alice);
    room.commit(bob);
    room.readAll(alice, bob, carol);
    expect(agree(alice, bob, carol)).toBe(true);
    for (const each of [alice, bob, carol]) {
      expect(each.events.slice(-2)).toMatchObject([
        { type: 'epoch', change: 'renewed', committer: { identity: identityOf(1).key } },
        { type: 'void' },
      ]);
      expect(memberState(each).pending).toBeUndefined();
    }
    expect(alice.events.at(-2)).toMatchObject({ isOwn: true });
    expect(bob.events.at(-2)).toMatchObject({ isOwn: false });
  });

  test('an own commit counts from its echo on, not before', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.commit(alice);
    expect(epochOf(alice)).toBe(2);
    room.send(alice, 'of the old epoch');
    room.readAll(bob);
    expect(epochOf(bob)).toBe(3);
    room.readAll(alice, bob, carol);
    expect(textsOf(bob)).toStrictEqual(['of the old epoch']);
  });

  test('an invalid commit leaves the epoch open for the next', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.append({
      type: 'commit',
      commit: new Uint8Array(50),
      groupInfoUpdate: new Uint8Array(0),
      sealedInviteSecret: new Uint8Array(0),
    });
    room.readAll(alice, bob, carol);
    expect(typesOf(alice).at(-1)).toBe('malformed');
    room.commit(alice);
    room.readAll(alice, bob, carol);
    expect(agree(alice, bob, carol)).toBe(true);
    expect(epochOf(alice)).toBe(3);
  });

  test('a commit without the right to it is refused by all', () => {
    const { room, alice, bob, carol } = roomOfThree();
    expect(room.commit(bob, { remove: [leafOf(alice)] })).toBe('no right to remove');
    const { epoch } = memberState(bob);
    const { commit } = room.engine.createCommit(epoch.engineState, deviceOf(2), {
      remove: [leafOf(alice)],
      authenticatedData: Uint8Array.of(1, 0, 0, 0, 0),
    });
    const empty = new Uint8Array(0);
    room.append({ type: 'commit', commit, groupInfoUpdate: empty, sealedInviteSecret: empty });
    room.readAll(alice, carol);
    for (const each of [alice, carol]) {
      expect(typesOf(each).at(-1)).toBe('no right to remove');
      expect(epochOf(each)).toBe(2);
    }
  });

  test('a person renews again only after 32 entries, and drops its own commit before', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.commit(bob);
    room.readAll(alice, bob, carol);
    room.commit(bob);
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol])
      expect(typesOf(each).at(-1)).toBe('the previous commit is too recent');
    expect(memberState(bob).pending).toBeUndefined();
    room.append(room.log.at(-1)!);
    room.readAll(alice, bob, carol);
    expect(memberState(bob).ahead).toBeUndefined();
    // The commits that were refused are entries too.
    for (let count = 2; count < 32; count += 1) room.send(alice, 'text');
    room.commit(bob);
    room.readAll(alice, bob, carol);
    expect(epochOf(alice)).toBe(4);
    expect(agree(alice, bob, carol)).toBe(true);
  });
});

describe('messages', () => {
  test('behind the end of their epoch are void for all, and their sender has to seal them again', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.commit(alice);
    room.send(bob, 'one');
    room.send(bob, 'two');
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol]) {
      expect(textsOf(each)).toStrictEqual(['one', 'two']);
      expect(typesOf(each).filter((type) => type === 'void')).toHaveLength(2);
    }
    expect(bob.outbox).toStrictEqual([]);
  });

  test('that are replayed cannot be read again', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.send(bob, 'one');
    room.append(room.log.at(-1)!);
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol]) {
      expect(textsOf(each)).toStrictEqual(['one']);
      expect(typesOf(each).at(-1)).toBe('forgotten');
    }
  });

  test('that are replayed are read again by a device that retains keys, with the same body hash', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const keeper = room.device(4, { forgetMs: 1 });
    room.readAll(keeper);
    room.join(keeper);
    room.readAll(alice, bob, carol, keeper);
    room.send(bob, 'one');
    room.append(room.log.at(-1)!);
    room.readAll(keeper);
    const [first, second] = keeper.events.slice(-2);
    expect(first).toMatchObject({ type: 'opened' });
    expect(second).toStrictEqual({ ...first, position: room.log.length, token: `token ${room.log.length}` });
  });

  test('by a member in the name of another raise an alarm and use up no keys', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const { groupId } = room;
    const place = { epoch: 2, leaf: leafOf(alice), slot: 0, generation: 5 };
    const plaintext = encodeBoundEnvelope(content, deviceOf(2), groupId, place);
    room.append(forge(bob, leafOf(alice), 5, plaintext));
    room.readAll(alice, bob, carol);
    expect(lastEvent(carol)).toMatchObject({
      type: 'alarm',
      reason: 'bad-signature',
      key: identityOf(1).key,
    });
    room.send(alice, 'mine');
    room.readAll(alice, bob, carol);
    expect(textsOf(carol)).toStrictEqual(['mine']);
  });

  test('of no member, of a generation far ahead, or with other bytes are undecryptable', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const frame: Frame = {
      type: 'message',
      epoch: 2,
      leaf: leafOf(alice),
      slot: 0,
      generation: 0,
      token: new Uint8Array(90),
    };
    room.append({ ...frame, leaf: 40 });
    room.append({ ...frame, generation: 5000 });
    room.append(frame);
    room.append(
      forge(
        bob,
        leafOf(bob),
        0,
        encodeBoundEnvelope({ ...content, nick: '' }, deviceOf(2), room.groupId, {
          ...frame,
          leaf: leafOf(bob),
        }),
      ),
    );
    room.readAll(carol);
    const wrong = 'wrong key or tampered';
    expect(carol.events.slice(-4).map((event) => 'reason' in event && event.reason)).toStrictEqual([
      wrong,
      wrong,
      'malformed',
      'not an envelope',
    ]);
  });

  test('of an external sender are opened, and void after the epoch', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const outsider = room.device(6);
    room.readAll(outsider);
    if (outsider.state.phase !== 'newcomer') throw new Error('a newcomer');
    let sender = createExternalSender(outsider.context, outsider.state.groupInfo!)!;
    for (const counter of [1, 2]) {
      const sealed = sealExternalMessage(outsider.context, sender, { ...content, counter }, identityOf(6));
      sender = sealed.sender;
      room.append(sealed.frame);
    }
    room.append(room.log.at(-1)!);
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol])
      expect(each.events.slice(-3)).toMatchObject([
        { type: 'opened', sender: undefined, envelope: { key: identityOf(6).key, counter: 1 } },
        { type: 'opened', envelope: { counter: 2 } },
        { type: 'forgotten' },
      ]);
    room.commit(alice);
    room.append(sealExternalMessage(outsider.context, sender, content, identityOf(6)).frame);
    room.readAll(alice, bob, carol);
    expect(lastEvent(carol)).toMatchObject({ type: 'void' });
  });
});

describe('a device that cannot follow', () => {
  test('is behind if a commit was left out for it', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.commit(alice);
    room.readAll(alice, bob);
    carol.readCount += 1;
    room.send(alice, 'hello');
    room.commit(bob);
    room.readAll(carol);
    expect(carol.events.slice(-2)).toMatchObject([
      { type: 'behind', epoch: 3 },
      { type: 'behind', epoch: 3 },
    ]);
    expect(() => room.join(carol)).toThrow('no group info yet');
    room.readAll(alice, bob);
    room.postGroupInfo(alice);
    room.readAll(carol);
    expect(lastEvent(carol)).toMatchObject({ type: 'behind', epoch: 4 });
    room.join(carol);
    room.readAll(alice, bob, carol);
    expect(agree(alice, bob, carol)).toBe(true);
    expect(memberState(alice).epoch.view.members).toHaveLength(3);
  });

  test('joins again in its own place after a commit that was valid for the others only', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.engine.invalidFor = [leafOf(carol)];
    room.commit(bob);
    room.engine.invalidFor = [];
    room.readAll(alice, bob, carol);
    expect(typesOf(carol).slice(-2)).toStrictEqual(['invalid commit secret', 'behind']);
    room.send(alice, 'where is carol?');
    room.send(carol, 'here');
    room.readAll(alice, bob, carol);
    // Her epoch is over for the others, and so for her: she has to seal the message again.
    expect(typesOf(carol).slice(-2)).toStrictEqual(['behind', 'void']);
    room.join(carol);
    room.readAll(alice, bob, carol);
    expect(agree(alice, bob, carol)).toBe(true);
    expect(memberState(carol).firstEpoch).toBe(4);
    room.send(alice, 'there you are');
    room.readAll(alice, bob, carol);
    expect(textsOf(carol)).toContain('there you are');
    expect(textsOf(carol)).not.toContain('where is carol?');
  });

  test('joins again behind another member that was behind too and came first', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.engine.invalidFor = [leafOf(bob), leafOf(carol)];
    room.commit(alice);
    room.engine.invalidFor = [];
    room.readAll(alice, bob, carol);
    room.join(bob);
    room.join(carol);
    const restarted = { ...carol, events: [], state: { ...memberState(carol), ahead: undefined } };
    room.readOne(carol);
    // Her join was for the epoch that the join of bob ended.
    expect(memberState(carol)).toMatchObject({ pending: undefined, ahead: { epoch: 4 } });
    room.readAll(alice, bob, carol);
    expect(agree(alice, bob)).toBe(true);
    room.join(carol);
    room.readAll(alice, bob, carol);
    expect(agree(alice, bob, carol)).toBe(true);
    // That the others are ahead is not stored. Then she reads her own join, which does not count.
    room.readAll(restarted);
    expect(memberState(restarted).pending).toBeUndefined();
  });

  test('takes part in the join of another process of its device that was behind too', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.engine.invalidFor = [leafOf(bob)];
    room.commit(alice);
    room.engine.invalidFor = [];
    room.readAll(alice, bob, carol);
    const findHandshake = () => memberState(bob).pending;
    const second = { ...bob, events: [], context: { ...bob.context, findHandshake } };
    room.join(bob);
    room.join(second);
    room.readAll(second);
    room.readAll(alice, bob, carol);
    expect(agree(alice, bob, second)).toBe(true);
    expect(typesOf(second)).toStrictEqual(['epoch', 'void']);
    expect(memberState(second).pending).toBeUndefined();
  });

  test('does not follow an external commit that no member can apply', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const mallory = room.device(7);
    room.readAll(mallory);
    room.engine.invalidFor = [0, 1, 2];
    room.join(mallory);
    room.engine.invalidFor = [];
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol]) expect(memberState(each).ahead).toBeUndefined();
    // A newcomer cannot see through it. The members post a group info for it.
    const dave = room.device(4);
    room.readAll(dave);
    expect(memberState(alice).needsGroupInfo).toBe(true);
    room.postGroupInfo(alice);
    room.readAll(alice, bob, carol, dave);
    expect(memberState(bob).needsGroupInfo).toBe(false);
    room.join(dave);
    room.readAll(alice, bob, carol, dave);
    expect(agree(alice, bob, carol, dave)).toBe(true);
  });

  test('with an older state finds its own commits in the log, and joins again', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.commit(alice);
    room.readAll(alice, bob, carol);
    const backup = { ...carol, events: [] };
    room.commit(carol);
    room.readAll(alice, bob, carol);
    room.send(carol, 'new');
    room.readAll(alice, bob, carol);
    room.readAll(backup);
    expect(typesOf(backup)).toStrictEqual(['own commit', 'behind', 'behind']);
    room.join(backup);
    room.readAll(alice, bob, backup);
    expect(agree(alice, bob, backup)).toBe(true);
  });
});

describe('group infos for newcomers', () => {
  test('that are wrong or missing make every member want to post a right one', () => {
    const { room, alice, bob, carol } = roomOfThree();
    expect(memberState(bob).needsGroupInfo).toBe(false);
    room.commit(alice);
    const frame = room.log.pop()!;
    if (frame.type !== 'commit') throw new Error('a commit');
    room.append({ ...frame, groupInfoUpdate: new Uint8Array(3) });
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol])
      expect([typesOf(each).at(-1), memberState(each).needsGroupInfo]).toStrictEqual([
        'invalid group info update',
        false,
      ]);
    const { epoch } = memberState(alice);
    const groupInfo = room.engine.formatGroupInfo(epoch.engineState, deviceOf(1), new Uint8Array(33));
    room.append({ type: 'groupInfo', groupInfo });
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol]) expect(memberState(each).needsGroupInfo).toBe(true);
    room.postGroupInfo(bob);
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol]) expect(memberState(each).needsGroupInfo).toBe(false);
    expect(typesOf(alice).at(-1)).toBe('handshake');
  });

  test('are needed again after 1024 entries or 32 epochs', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const needs = (device: TestDevice) => memberState(device).needsGroupInfo;
    const noMember: Frame = {
      type: 'message',
      epoch: 2,
      leaf: 9,
      slot: 0,
      generation: 0,
      token: new Uint8Array(0),
    };
    while (room.log.length < GROUP_INFO_INTERVAL_ENTRIES) room.append(noMember);
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol]) expect(needs(each)).toBe(false);
    room.append(noMember);
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol]) expect(needs(each)).toBe(true);
    room.postGroupInfo(bob);
    // Those who came in meanwhile decide alike.
    const dave = room.device(4);
    room.readAll(alice, bob, carol, dave);
    room.join(dave);
    room.readAll(alice, bob, carol, dave);
    for (const each of [alice, bob, carol, dave]) expect(needs(each)).toBe(false);
    for (let count = 1; count < GROUP_INFO_INTERVAL_EPOCHS; count += 1) {
      expect([count, needs(alice), needs(dave)]).toStrictEqual([count, false, false]);
      room.commit(count % 2 === 0 ? alice : bob);
      room.readAll(alice, bob, carol, dave);
    }
    for (const each of [alice, bob, carol, dave]) expect(needs(each)).toBe(true);
  });

  test('that are wrong are a matter of the epochs after it too', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const { epoch } = memberState(alice);
    const groupInfo = room.engine.formatGroupInfo(epoch.engineState, deviceOf(1), new Uint8Array(33));
    room.append({ type: 'groupInfo', groupInfo });
    room.commit(bob);
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol]) expect(memberState(each).needsGroupInfo).toBe(true);
    room.postGroupInfo(alice);
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol]) expect(memberState(each).needsGroupInfo).toBe(false);
  });

  test('are needed in another log, by the device that joins there first', () => {
    const { room, alice } = roomOfThree();
    const dave = room.device(4);
    room.readAll(dave);
    dave.state = changeLog(dave.state);
    room.join(dave);
    dave.readCount = room.log.length - 1;
    room.readAll(alice, dave);
    expect(memberState(alice).needsGroupInfo).toBe(false);
    expect(memberState(dave).needsGroupInfo).toBe(true);
  });

  test('of an earlier epoch do not lead a newcomer back', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.postGroupInfo(alice);
    const old = room.log.at(-1)!;
    room.readAll(alice, bob, carol);
    room.commit(bob);
    room.readAll(alice, bob, carol);
    room.postGroupInfo(alice);
    room.append(old);
    const dave = room.device(4);
    room.readAll(dave, alice);
    expect(memberState(alice).needsGroupInfo).toBe(true);
    room.join(dave);
    room.readAll(alice, bob, carol, dave);
    expect(agree(alice, bob, carol, dave)).toBe(true);
  });
});

describe('a removal that moves the room', () => {
  const inviteSecret = new Uint8Array(32).fill(77);

  test('tells the next invite to those who stay, and to nobody else', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const dave = room.device(4);
    room.readAll(dave);
    room.commit(alice, { remove: [leafOf(bob)], inviteSecret });
    room.send(carol, 'too late');
    room.readAll(alice, bob, carol, dave);
    for (const each of [alice, carol])
      expect(each.events.find((event) => 'move' in event)).toMatchObject({
        type: 'epoch',
        change: 'removed',
        removed: [{ identity: identityOf(2).key }],
        move: { secret: inviteSecret },
      });
    expect(bob.state).toStrictEqual({ phase: 'removed' });
    expect(bob.events.at(-2)).toMatchObject({ type: 'removed', committer: { identity: identityOf(1).key } });
    expect(typesOf(dave).at(-1)).toBe('withdrawn');
    expect(dave.state).toMatchObject({ phase: 'newcomer', isWithdrawn: true });
    expect(JSON.stringify([...bob.events, ...dave.events])).not.toContain(JSON.stringify(inviteSecret));
  });

  test('makes void what follows in the log of the old room', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.commit(alice, { remove: [leafOf(bob)], inviteSecret });
    room.readAll(alice, carol);
    room.send(alice, 'in the wrong room');
    room.readAll(carol);
    expect(typesOf(carol).at(-1)).toBe('void');
    carol.state = changeLog(carol.state);
    carol.readCount -= 1;
    room.readAll(carol);
    expect(textsOf(carol)).toStrictEqual(['in the wrong room']);
    expect(memberState(carol)).toMatchObject({ needsGroupInfo: true, hasMoved: false, epoch: { start: 0 } });
  });

  test('with a secret that is not the announced one moves nobody to it', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.commit(alice, { remove: [leafOf(bob)], inviteSecret });
    const frame = room.log.pop()!;
    if (frame.type !== 'commit') throw new Error('a commit');
    const { inviteSecretKey } = beginEpoch(alice.context, memberState(alice).pending!.state, {
      committer: undefined,
      start: 0,
    });
    const other = inviteSecret.map((byte) => byte + 1) as Plaintext;
    const sealed = tokenToBytes(alice.context.cipher.seal(inviteSecretKey, other, 0));
    for (const sealedInviteSecret of [sealed, new Uint8Array(80)]) {
      const reader = { ...carol, events: [] };
      room.append({ ...frame, sealedInviteSecret });
      room.readAll(reader);
      room.log.pop();
      expect(reader.events.find((event) => 'move' in event)).toMatchObject({ move: { secret: undefined } });
      expect(reader.state).toMatchObject({ phase: 'newcomer', isWithdrawn: true });
    }
  });
});

describe('a log that continues another one', () => {
  const place = (position: number) => ({ position, epoch: 1 });

  test('a member keeps what the log has, and its epoch begins in an earlier log if the commit is lost', () => {
    const state = memberState(roomOfThree().alice);
    const { position, epoch, lastGroupInfo } = state;
    expect(continueLog(state, position)).toBe(state);
    const next = {
      ...state,
      position: position + 5,
      endedAt: position + 4,
      lastGroupInfo: place(position + 3),
    };
    expect(continueLog(next, position + 3)).toMatchObject({
      position: position + 3,
      endedAt: 0,
      epoch: { start: epoch.start },
      lastGroupInfo: place(position + 3),
      needsGroupInfo: state.needsGroupInfo,
    });
    expect(continueLog(next, position)).toMatchObject({
      lastGroupInfo: { position: 0 },
      needsGroupInfo: true,
    });
    const lost = continueLog({ ...state, lastGroupInfo }, epoch.start - 1);
    expect(lost).toMatchObject({ position: epoch.start - 1, epoch: { start: 0 }, needsGroupInfo: true });
    // Entries of past epochs that the log has are read again with the keys of those epochs.
    for (const past of 'pastEpochs' in lost ? lost.pastEpochs : [])
      expect(past.end).toBeLessThanOrEqual(epoch.start);
  });

  test('a newcomer forgets the commits that the log has lost', () => {
    const followed = [3, 9].map((position) => ({ position, epoch: 1 }));
    const state = { ...createNewcomer(), followed, firstUnread: 8, lastGroupInfo: place(9) };
    expect(continueLog(state, 5)).toMatchObject({
      followed: [{ position: 3 }],
      firstUnread: undefined,
      lastGroupInfo: { position: 0 },
    });
    expect(continueLog(state, 9)).toMatchObject({ followed, firstUnread: 8, lastGroupInfo: place(9) });
  });
});
