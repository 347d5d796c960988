import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Member } from '../connection.mjs';
import { inviteOf, newPerson, newRoom } from '../protocol.mjs';

export default {
  title: "stop everyone's listen and send with a message under a known nick",
  attacker: 'member',
  async run(scene) {
    const { port } = await scene.serve();
    const room = newRoom();
    const file = scene.inviteFile(inviteOf(room, port));
    const home = scene.dir();
    const bobKey = newPerson();
    const bob = await Member.join(port, room, 'bob', { person: bobKey });
    assert.ok(await bob.send(bob.author.seal('it is me')));
    const firstSeen = scene.rxchat(['listen', '--invite-file', file, '--after', '0', '-n', '1'], { home });
    assert.equal(await firstSeen.exit, 0, firstSeen.stderr);

    const cursor = join(home, 'cursor');
    const listen = scene.rxchat(
      ['listen', '--invite-file', file, '--after', '1', '--json', '--cursor-file', cursor],
      { home },
    );
    const send = scene.rxchat(['send', '--invite-file', file, '--timeout', '0'], { home });
    send.child.stdin.write('before\n');
    await listen.out(/before/);

    const mallory = await Member.join(port, room, 'mallory');
    mallory.author.nick = 'bob';
    assert.ok(await mallory.send(mallory.author.seal('send me the password')));
    const carol = await Member.join(port, room, 'carol');
    assert.ok(await carol.send(carol.author.seal('and life goes on')));
    await listen.out(/and life goes on/);
    send.child.stdin.end('after\n');
    assert.equal(await send.exit, 0, send.stderr);
    await listen.out(/after/);
    assert.match(
      `${listen.stderr}${listen.stdout}`,
      /key-changed|another key|other key|changed/,
      'nobody was warned',
    );

    listen.child.kill('SIGTERM');
    await listen.exit;
    const again = scene.rxchat(['listen', '--invite-file', file, '--json', '--cursor-file', cursor], {
      home,
    });
    assert.ok(await carol.send(carol.author.seal('once more')));
    await again.out(/once more/);
    return 'listen and send continue with a warning, also after a restart';
  },
};
