import assert from 'node:assert/strict';
import { Member } from '../connection.mjs';
import { inviteOf, newPerson, newRoom } from '../protocol.mjs';

export default {
  title: "replay another member's old message as new",
  attacker: 'member',
  async run(scene) {
    const { port } = await scene.serve();
    const room = newRoom();
    const file = scene.inviteFile(inviteOf(room, port));
    const home = scene.dir();
    const person = newPerson();
    const alice = await Member.join(port, room, 'alice', { person });
    const earlier = Date.now() - 3_600_000;
    const old = alice.author.seal('yes, delete it', { time: earlier });
    assert.ok(await alice.send(old));
    alice.leave();
    // A later run of alice, whose message bob has received.
    const alice2 = await Member.join(port, room, 'alice2', { person });
    alice2.author.nick = 'alice';
    assert.ok(await alice2.send(alice2.author.seal('good morning')));
    alice2.leave();
    const bob = scene.rxchat(['listen', '--invite-file', file, '--last', '8', '--json'], { home });
    await bob.out(/good morning/);
    bob.child.kill('SIGTERM');
    await bob.exit;

    const again = scene.rxchat(['listen', '--invite-file', file, '--json', '--events'], { home });
    await again.out(/online|joined/);
    const mallory = await Member.join(port, room, 'mallory');
    assert.ok(await mallory.send(old));
    assert.ok(await mallory.send(mallory.author.seal('the end')));
    await again.out(/the end/);
    const line = again.stdout.split('\n').find((each) => each.includes('yes, delete it'));
    if (line !== undefined) assert.match(line, /"old":true/, `it is shown as new: ${line}`);
    return line === undefined ? 'it is not shown' : 'shown, and marked as old';
  },
};
