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
