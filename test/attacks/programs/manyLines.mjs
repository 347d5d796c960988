import assert from 'node:assert/strict';
import { Member } from '../connection.mjs';
import { inviteOf, newRoom } from '../protocol.mjs';

const TOKENS = 60;

export default {
  title: "take a reader's memory by envelopes of many empty lines",
  attacker: 'a member',
  async run(scene) {
    const { port } = await scene.serve();
    const room = newRoom();
    const mallory = await Member.join(port, room, 'mallory');
    for (let n = 0; n < TOKENS; n += 1) {
      const token = mallory.author.seal(undefined, { lines: Array.from({ length: 15_000 }, () => '') });
      assert.ok(await mallory.send(token), 'the relay refused the shape of the token');
    }
    const bob = await Member.join(port, room, 'bob');
    assert.ok(await bob.send(bob.author.seal('after the bombs')));

    const file = scene.inviteFile(inviteOf(room, port));
    // A reader that takes nothing: the pipe fills, and all that listen does not write it has to hold or to leave at the relay.
    const listen = scene.rxchat(['listen', '--invite-file', file, '--after', '0', '--json'], {
      nodeArgs: ['--max-old-space-size=96'],
    });
    listen.child.stdout.pause();
    await new Promise((done) => listen.child.stderr.once('data', done));
    listen.child.stdout.resume();
    await listen.out(/after the bombs/);
    const peakMiB = Math.round(listen.peakBytes() / 2 ** 20);
    return `${TOKENS * 15_000} lines, and listen reads on with a heap of 96 MiB (at most ${peakMiB} MiB resident)`;
  },
};
