import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventsOf, GroupRoom } from '../groupRoom.mjs';

export default {
  title: 'enter a group twice, or lose a message, by restoring an older device key',
  attacker: 'disk',
  async run(scene) {
    const room = await GroupRoom.create(scene, await scene.serve());
    const bob = room.person('bob');
    // The key of before, in another group.
    const other = await GroupRoom.create(scene, room.relay);
    await bob.send('elsewhere', other.invite);
    const key = join(bob.home, 'data', 'device.key');
    const older = join(scene.dir(), 'device.key');
    cpSync(key, older);
    rmSync(key);

    const reader = await room.listen();
    await bob.send('with the new key');
    cpSync(older, key);
    await bob.send('with the older key');
    await bob.send('once more');
    await reader.out(/once more/);
    const texts = room.textsOf(reader);
    assert.deepEqual(texts, ['with the new key', 'with the older key', 'once more']);
    const own = eventsOf(reader.stdout).filter(
      ({ type, removed }) => type === 'epoch' && removed.length === 1,
    );
    assert.equal(own.length, 1, 'the states of before were readable with the older key');
    const members = await room.members();
    assert.deepEqual(
      members.map(({ devices }) => devices.length),
      [1, 1],
      'a device is there twice',
    );
    return `${texts.length} of 3 messages read once; the device joined again in its own place`;
  },
};
