import { describe, expect, test } from '@jest/globals';
import type { Frame } from '../../../../streams/client/group/frame.js';
import { createGroupInfoFrame } from '../../../../streams/client/group/stageHandshake.js';
import {
  agree,
  memberState,
  roomOfThree,
  type TestDevice,
  type TestRoom,
} from '../../../support/group/room.js';

/** What a newcomer follows. */
const followedEpoch = ({ state }: TestDevice): number | undefined =>
  state.phase === 'newcomer' ? state.groupInfo?.epoch : undefined;

/** The frame that a device would send, kept from the log until the test appends it. */
const withheld = (room: TestRoom, send: () => void): Frame => {
  send();
  return room.log.pop()!;
};

describe('a group info that its signer made before it read a commit', () => {
  test('does not lead a newcomer back to the epoch that the commit ended', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const [dave, erin, frank] = [room.device(4), room.device(5), room.device(6)];
    room.readAll(dave, erin, frank);
    const stale = createGroupInfoFrame(bob.context, memberState(bob));
    const lost = withheld(room, () => room.join(erin));
    room.join(dave);
    room.append(stale);
    room.append(lost);
    room.readAll(alice, bob, carol, dave, erin, frank);
    expect([followedEpoch(erin), followedEpoch(frank)]).toStrictEqual([3, 3]);
    for (const each of [erin, frank]) {
      room.join(each);
      room.readAll(alice, bob, carol, dave, erin, frank);
    }
    expect(agree(alice, bob, carol, dave, erin, frank)).toBe(true);
  });

  test('is noted by a newcomer that ignores it, and a right one is not', () => {
    const { room, alice, bob } = roomOfThree();
    const [dave, erin] = [room.device(4), room.device(5)];
    const stale = createGroupInfoFrame(bob.context, memberState(bob));
    room.commit(alice);
    room.readAll(alice, bob);
    room.postGroupInfo(alice);
    room.readAll(dave);
    expect(dave.state).toMatchObject({ phase: 'newcomer', hasIgnoredGroupInfo: false });
    room.append(stale);
    room.readAll(erin);
    expect(erin.state).toMatchObject({ phase: 'newcomer', hasIgnoredGroupInfo: true });
  });

  test('does not take back that the invite was withdrawn', () => {
    const { room, alice, bob } = roomOfThree();
    const dave = room.device(4);
    const stale = createGroupInfoFrame(bob.context, memberState(bob));
    room.commit(alice, { inviteSecret: new Uint8Array(32).fill(7) });
    room.append(stale);
    room.readAll(dave);
    expect(dave.state).toMatchObject({ isWithdrawn: true, groupInfo: undefined });
  });

  test('does not tell the members that newcomers found a right one', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const stale = createGroupInfoFrame(bob.context, memberState(bob));
    // A wrong group info, from an earlier epoch.
    room.append(room.log.find(({ type }) => type === 'create')!);
    room.append(stale);
    room.readAll(alice, bob, carol);
    expect(memberState(carol).needsGroupInfo).toBe(true);
    room.postGroupInfo(alice);
    room.readAll(alice, bob, carol);
    expect(memberState(carol).needsGroupInfo).toBe(false);
  });

  test('counts as made before everything if it says that its signer read later entries than there are', () => {
    const { room, alice, bob } = roomOfThree();
    const dave = room.device(4);
    room.readAll(dave);
    const state = { ...memberState(bob), position: 1000 };
    room.commit(alice);
    room.append(createGroupInfoFrame(bob.context, state));
    room.readAll(dave);
    expect(followedEpoch(dave)).toBe(memberState(bob).epoch.view.epoch + 1);
  });
});

describe('a commit before the first group info that a newcomer reads', () => {
  /** A newcomer that reads the log from a position on, as after a log that was lost. */
  const newcomerAt = (room: TestRoom, mark: number, position: number): TestDevice => {
    const device = room.device(mark);
    device.readCount = position - 1;
    return device;
  };

  test('is followed, if the signer of the group info had not read it', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const stale = createGroupInfoFrame(bob.context, memberState(bob));
    const dave = newcomerAt(room, 4, room.log.length + 1);
    room.commit(alice);
    room.append(stale);
    room.readAll(alice, bob, carol, dave);
    expect(followedEpoch(dave)).toBe(memberState(bob).epoch.view.epoch);
    room.join(dave);
    room.readAll(alice, bob, carol, dave);
    expect(agree(alice, bob, carol, dave)).toBe(true);
  });

  test('is not followed a second time, if the signer had read it', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const dave = newcomerAt(room, 4, room.log.length + 1);
    room.commit(alice);
    room.readAll(alice, bob, carol);
    room.postGroupInfo(bob);
    room.readAll(dave);
    expect(dave.state).toMatchObject({
      groupInfo: { epoch: memberState(bob).epoch.view.epoch },
      followed: [],
    });
  });

  test('withdraws the invite, if it moved the room', () => {
    const { room, alice, bob } = roomOfThree();
    const stale = createGroupInfoFrame(bob.context, memberState(bob));
    const dave = newcomerAt(room, 4, room.log.length + 1);
    room.commit(alice, { inviteSecret: new Uint8Array(32).fill(7) });
    room.append(stale);
    room.readAll(dave);
    expect(dave.state).toMatchObject({ isWithdrawn: true, groupInfo: undefined });
    expect(dave.events.at(-1)).toMatchObject({ type: 'withdrawn', position: room.log.length });
  });

  test('is remembered among the newest 32: a group info from before another one does not count', () => {
    const { room, alice, bob } = roomOfThree();
    const stale = createGroupInfoFrame(bob.context, memberState(bob));
    const start = room.log.length + 1;
    const [dave, erin] = [newcomerAt(room, 4, start), newcomerAt(room, 5, start + 1)];
    for (let count = 0; count < 33; count += 1) {
      room.commit(alice);
      room.readAll(alice);
    }
    room.append(stale);
    room.readAll(dave, erin);
    expect(dave.state).toMatchObject({ groupInfo: undefined, hasIgnoredGroupInfo: true });
    // The commit that erin missed is before everything that erin reads, so she cannot know of it.
    expect(followedEpoch(erin)).toBe(memberState(bob).epoch.view.epoch);
  });
});
