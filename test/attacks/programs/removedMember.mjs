import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { Member } from '../connection.mjs';
import { frameOf, groupRoomOf } from '../groupProtocol.mjs';
import { GroupRoom } from '../groupRoom.mjs';
import { HostileRelay } from '../hostileRelay.mjs';

const SECRET = 'without bob';
const COMMIT = 3;

/** Returns the entries of a room from its first one on, and the name of the log. */
const entriesOf = async (port, invite) => {
  const reader = await Member.join(port, groupRoomOf(invite), 'operator', { fields: 'last=1000' });
  assert.equal(reader.welcome.from, '1');
  const entries = [];
  await reader.entry((line) => {
    entries.push(line);
    return line === '+operator';
  });
  reader.leave();
  return { entries, log: reader.welcome.log };
};

export default {
  title: 'read or write in a group after the removal',
  attacker: 'removed member with its former state, the old invite and the relay',
  async run(scene) {
    const room = await GroupRoom.create(scene, await scene.serve());
    const { port } = room.relay;
    const [bob, carol] = [room.person('bob'), room.person('carol')];
    await bob.send('bob is here');
    await carol.send('carol is here');
    const former = scene.dir();
    cpSync(bob.home, former, { recursive: true });
    await room.alice.send('still a member');

    const removal = await room.alice.run('remove', ['bob', '--yes']);
    const next = removal.trim();
    assert.notEqual(next, room.invite);
    await room.alice.send(SECRET);
    const old = await entriesOf(port, room.invite);
    const following = await entriesOf(port, next);

    // The honest relay's log reports the removal to the member, and the old invite admits no device.
    const honest = room.person('bob', former).start('listen', ['--json', '--events']);
    assert.equal(await honest.exit, 11, honest.stderr);
    const stranger = room.person('bob').start('send', ['--as-member', '-m', 'again']);
    assert.equal(await stranger.exit, 12, stranger.stderr);

    // The relay helps: it hides the removal, and shows what the members write in the next room.
    const outer = groupRoomOf(room.invite);
    const last = old.entries.findLastIndex((line) => frameOf(line, outer)?.type === COMMIT);
    const hostile = await HostileRelay.start({ log: old.log });
    scene.onEnd(() => hostile.close());
    hostile.entries.push(...old.entries.slice(0, last), ...following.entries);
    const thief = room.person('bob', bob.home);
    thief.invite = room.invite.replace(`:${port}/`, `:${hostile.port}/`);
    const reads = thief.start('listen', ['--json', '--events', '--after', '0']);
    await reads.out(/"text":"still a member"/);
    await hostile.caughtUp('bob');
    const sent = hostile.nextToken();
    const writes = thief.start('send', ['--as-member', '-m', 'still here'], { nick: ['--nick', 'bobby'] });
    const token = await sent;
    assert.equal(await writes.exit, 0, writes.stderr);
    await reads.out(/"text":"still here"/);
    assert.ok(!reads.stdout.includes(SECRET), 'the removed member reads what follows');

    // What it wrote comes into the next room with the help of the relay, and counts for nobody.
    const helper = await Member.join(port, groupRoomOf(next), 'operator');
    const reader = await room.listen(carol);
    assert.ok(await helper.send(token));
    for (const line of old.entries.filter((each) => each.startsWith('gAAAA')))
      assert.ok(await helper.send(line));
    await room.alice.send('the end');
    await reader.out(/"text":"the end"/);
    const texts = room.textsOf(reader);
    assert.deepEqual(
      texts.filter((text) => [SECRET, 'the end', 'still here'].includes(text)),
      [SECRET, 'the end'],
    );
    assert.equal((await room.members()).length, 2);
    return 'it reads nothing that follows, and what it writes counts for nobody';
  },
};
