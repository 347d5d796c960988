import assert from 'node:assert/strict';
import { Member } from '../connection.mjs';
import { inviteOf, newPerson, newRoom } from '../protocol.mjs';

const NICKS = 2500;

export default {
  title: "fill a reader's known keys so that an impersonation goes unnoticed",
  attacker: 'member',
  async run(scene) {
    const { port } = await scene.serve();
    const room = newRoom();
    const file = scene.inviteFile(inviteOf(room, port));
    const home = scene.dir();
    const mallory = await Member.join(port, room, 'mallory');
    for (let n = 0; n < NICKS; n += 1) {
      mallory.author.nick = `nick${n}`;
      mallory.connection.write(mallory.author.seal('x'));
    }
    assert.ok(await mallory.send(mallory.author.seal('the last of the flood')));
    const flooded = scene.rxchat(['listen', '--invite-file', file, '--after', '0', '-n', String(NICKS + 1)], {
      home,
    });
    assert.equal(await flooded.exit, 0, flooded.stderr.slice(-500));

    const alice = await Member.join(port, room, 'alice', { person: newPerson() });
    const position = Number(mallory.connection.position ?? 0);
    assert.ok(await alice.send(alice.author.seal('the real alice')));
    const firstSeen = scene.rxchat(['listen', '--invite-file', file, '--last', '2', '-n', '1'], { home });
    assert.equal(await firstSeen.exit, 0, firstSeen.stderr.slice(-500));
    mallory.author.nick = 'alice';
    assert.ok(await mallory.send(mallory.author.seal('the false alice')), String(position));
    const warned = scene.rxchat(['listen', '--invite-file', file, '--last', '1', '--json', '-n', '1'], {
      home,
    });
    await warned.exit;
    assert.match(
      `${warned.stdout}${warned.stderr}`,
      /key-changed|"changed":true|another key|other key/,
      'the impersonation was not noticed',
    );
    return `${NICKS} nicks of one key; a changed key is still detected`;
  },
};
