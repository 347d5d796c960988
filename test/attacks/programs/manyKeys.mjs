import assert from 'node:assert/strict';
import { Member } from '../connection.mjs';
import { Author, inviteOf, newPerson, newRoom } from '../protocol.mjs';

const KEYS = 2500;

export default {
  title: "evict a nick's known key with thousands of new nicks and keys",
  attacker: 'member',
  async run(scene) {
    const { port } = await scene.serve();
    const room = newRoom();
    const file = scene.inviteFile(inviteOf(room, port));
    const home = scene.dir();
    const listen = async () => {
      const run = scene.rxchat(['listen', '--invite-file', file, '--nick', 'carol', '--json', '--events'], {
        home,
      });
      await run.out(/"carol"/);
      return run;
    };
    const mallory = await Member.join(port, room, 'mallory');
    const first = await listen();
    await mallory.send(new Author(room, 'bob', newPerson()).seal('of bob'));
    for (let n = 0; n < KEYS; n += 1)
      await mallory.connection.writeSlowly(new Author(room, `nick${n}`, newPerson()).seal('x'));
    await mallory.send(mallory.author.seal('the flood is over'));
    await first.out(/the flood is over/);
    first.child.kill('SIGTERM');
    await first.exit;
    const second = await listen();
    await mallory.send(new Author(room, 'bob', newPerson()).seal('of somebody else'));
    await mallory.send(mallory.author.seal('the end'));
    await second.out(/the end/);
    assert.match(second.stderr, /bob has a different key than before/, 'somebody else was met as bob');
    return `${KEYS} keys later, an impostor of bob is still detected`;
  },
};
