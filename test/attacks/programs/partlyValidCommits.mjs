import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { GroupAttacker } from '../groupAttacker.mjs';
import { commitToken, Device, memberCommit } from '../groupProtocol.mjs';
import { GroupRoom } from '../groupRoom.mjs';

/** The least number of entries between two commits of one person. */
const INTERVAL = 32;

export default {
  title: 'split a group by commits that are valid for some members only',
  attacker: 'member',
  async run(scene) {
    const room = await GroupRoom.create(scene, await scene.serve());
    const bob = room.person('bob');
    await bob.send('bob is here');
    const texts = ['bob is here'];
    const reader = await room.listen();
    await reader.out(/bob is here/);
    // Two processes of one device, which join again as one.
    const bobReads = await room.listen(bob);
    const writer = bob.start('send', ['--as-member', '--json']);
    const write = (text) => {
      texts.push(text);
      writer.child.stdin.write(`${text}\n`);
    };
    /** Resolves once alice has joined again so many times. */
    const joinedAgain = (times) =>
      reader.out(new RegExp(`(?:"type":"epoch"[^\\n]*"change":"joined"[^\\n]*"own":true[^]*){${times}}`));

    write('before');
    await reader.out(/"text":"before"/);
    const mallory = await GroupAttacker.join(room);
    await mallory.send(commitToken(randomBytes(700), randomBytes(150), mallory.outer));
    const [alices, bobs] = mallory.group.leaves.map(({ device }) => device);
    const indexOf = (key) => mallory.group.leaves.find(({ device }) => device.equals(key)).index;
    /** Joins as another member, and makes a commit with another secret for some. */
    const split = async (...victims) => {
      const member = await mallory.enter(new Device());
      for (let count = 0; count < INTERVAL; count += 1)
        await mallory.send(commitToken(randomBytes(700), randomBytes(150), mallory.outer));
      const wrongFor = victims.map(indexOf);
      assert.ok(await mallory.commit(memberCommit(member, { wrongFor })), 'the commit does not count');
    };

    // Bob's lines come before and after the commit that he cannot apply.
    write('one');
    const first = split(bobs);
    for (let count = 1; count <= 20; count += 1) write(`meanwhile ${count}`);
    await first;
    write('two');
    await reader.out(/"text":"two"/);
    await bobReads.out(/"text":"two"/);
    bobReads.child.kill('SIGTERM');
    await bobReads.exit;

    await split(alices);
    await joinedAgain(1);
    write('three');
    await reader.out(/"text":"three"/);

    await split(alices, bobs);
    await joinedAgain(2);
    write('four');
    writer.child.stdin.end();
    assert.equal(await writer.exit, 0, writer.stderr);
    await reader.out(/"text":"four"/);
    assert.deepEqual(room.textsOf(reader), texts);
    const members = await room.members();
    assert.equal(members.length, 2 + 3);
    assert.ok(members.every(({ devices }) => devices.length === 1));
    return `${texts.length} of ${texts.length} messages read once; those who could not apply a commit joined again`;
  },
};
