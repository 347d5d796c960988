import assert from 'node:assert/strict';
import { Member } from '../connection.mjs';
import { inviteOf, newRoom } from '../protocol.mjs';

const TOKENS = 60;

export default {
  title: "exhaust a reader's memory with envelopes of many empty lines",
  attacker: 'member',
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
    // A reader that never reads: the pipe fills, and `listen` has to hold the rest or leave it at the relay.
    const listen = scene.rxchat(['listen', '--invite-file', file, '--after', '0', '--json'], {
      nodeArgs: ['--max-old-space-size=96'],
    });
    listen.child.stdout.pause();
    await new Promise((done) => listen.child.stderr.once('data', done));
    listen.child.stdout.resume();
    await listen.out(/after the bombs/);
    const peakMiB = Math.round(listen.peakBytes() / 2 ** 20);
    return `${TOKENS * 15_000} lines; listen keeps reading with a 96 MiB heap (at most ${peakMiB} MiB resident)`;
  },
};
