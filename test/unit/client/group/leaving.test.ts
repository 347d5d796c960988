import { describe, expect, test } from '@jest/globals';
import { leaveMessage } from '../../../../streams/client/group/commitData.js';
import { LEAVE_EPOCHS, stageLeave } from '../../../../streams/client/group/leaving.js';
import { deviceOf, identityOf } from '../../../support/group/devices.js';
import {
  agree,
  lastEvent,
  memberState,
  roomOfThree,
  type TestDevice,
  typesOf,
} from '../../../support/group/room.js';

const leafOf = (device: TestDevice) => memberState(device).epoch.view.leaf;

describe('a member that leaves', () => {
  test('is removed by the commit of any other, without a right to remove', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const leaf = leafOf(carol);
    expect(room.commit(bob, { remove: [leaf] })).toBe('no right to remove');
    room.leave(carol);
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol])
      expect(lastEvent(each)).toMatchObject({ type: 'leaving', member: { identity: identityOf(3).key } });
    expect([alice, bob, carol].map((each) => memberState(each).leaving.length)).toStrictEqual([1, 1, 0]);
    expect(room.commit(bob, { remove: [leaf] })).toBeUndefined();
    room.readAll(alice, bob, carol);
    expect(agree(alice, bob)).toBe(true);
    expect(carol.state.phase).toBe('removed');
    for (const each of [alice, bob]) expect(memberState(each).leaving).toStrictEqual([]);
  });

  test('takes no other with it', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.leave(carol);
    room.readAll(alice, bob, carol);
    const remove = [leafOf(alice), leafOf(carol)];
    expect(room.commit(bob, { remove })).toBe('no right to remove');
  });

  test('can say it again for later epochs, and a repetition changes nothing', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.leave(carol);
    const first = room.log.at(-1)!;
    room.append(first);
    room.readAll(alice, bob, carol);
    expect(typesOf(alice).slice(-2)).toStrictEqual(['leaving', 'handshake']);
    room.commit(alice);
    room.readAll(alice, bob, carol);
    room.leave(carol);
    room.append(first);
    room.readAll(alice, bob, carol);
    expect(typesOf(alice).slice(-2)).toStrictEqual(['leaving', 'handshake']);
    expect(memberState(alice).leaving).toMatchObject([{ lastEpoch: 3 + LEAVE_EPOCHS }]);
  });

  test('stays after the last epoch of its statement', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.leave(carol);
    room.readAll(alice, bob, carol);
    for (let count = 0; count <= LEAVE_EPOCHS; count += 1) {
      expect(memberState(bob).leaving).toHaveLength(1);
      const renewing = count % 2 === 0 ? alice : bob;
      room.commit(renewing);
      room.readAll(alice, bob, carol);
    }
    expect(memberState(bob).epoch.view.epoch).toBe(2 + LEAVE_EPOCHS + 1);
    expect(memberState(bob).leaving).toStrictEqual([]);
    expect(room.commit(bob, { remove: [leafOf(carol)] })).toBe('no right to remove');
  });

  test('stays if it joined again meanwhile', () => {
    const { room, alice, bob, carol } = roomOfThree();
    room.leave(carol);
    const newCarol = room.device(3);
    room.readAll(alice, bob, newCarol);
    room.join(newCarol);
    room.readAll(alice, bob, newCarol);
    expect(agree(alice, bob, newCarol)).toBe(true);
    for (const each of [alice, bob]) expect(memberState(each).leaving).toStrictEqual([]);
  });

  test('cannot be made up by others, for another group, or for a device that is no member', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const frame = stageLeave(carol.context, memberState(carol));
    const lastEpoch = 5;
    const otherGroup = leaveMessage(new Uint8Array(40), frame.device, lastEpoch);
    room.append({ ...frame, signature: stageLeave(bob.context, memberState(bob)).signature });
    room.append({ ...frame, lastEpoch: frame.lastEpoch + 1 });
    room.append({ ...frame, lastEpoch, signature: deviceOf(3).sign(otherGroup) });
    room.append({ ...frame, device: deviceOf(4).publicKey });
    const past = leaveMessage(room.groupId, frame.device, 1);
    room.append({ ...frame, lastEpoch: 1, signature: deviceOf(3).sign(past) });
    room.readAll(alice, bob, carol);
    for (const each of [alice, bob, carol]) {
      expect(typesOf(each).slice(-5)).toStrictEqual(Array(5).fill('invalid leave statement'));
      expect(memberState(each).leaving).toStrictEqual([]);
    }
  });

  test('says nothing to a newcomer', () => {
    const { room, carol } = roomOfThree();
    room.leave(carol);
    const dave = room.device(4);
    room.readAll(dave);
    expect(lastEvent(dave)).toMatchObject({ type: 'handshake' });
  });
});
