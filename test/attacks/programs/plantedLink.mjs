import assert from 'node:assert/strict';
import { chmodSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Member } from '../connection.mjs';
import { inviteOf, newRoom } from '../protocol.mjs';

export default {
  title: "overwrite another user's file through a link next to a cursor file",
  attacker: 'local user',
  async run(scene) {
    const { port } = await scene.serve();
    const room = newRoom();
    const file = scene.inviteFile(inviteOf(room, port));
    const shared = scene.dir();
    chmodSync(shared, 0o777);
    const victim = join(scene.dir(), 'precious');
    writeFileSync(victim, 'precious\n');
    const cursor = join(shared, 'cursor');
    for (const planted of [`${cursor}.part`, `${cursor}.tmp`, `${cursor}.new`, `${cursor}~`])
      symlinkSync(victim, planted);

    const alice = await Member.join(port, room, 'alice');
    assert.ok(await alice.send(alice.author.seal('hello')));
    const listen = scene.rxchat([
      'listen',
      '--invite-file',
      file,
      '--after',
      '0',
      '-n',
      '1',
      '--cursor-file',
      cursor,
    ]);
    await listen.exit;
    assert.equal(
      readFileSync(victim, 'utf8'),
      'precious\n',
      'listen wrote through a link that somebody else had made',
    );
    assert.ok(readdirSync(shared).includes('cursor'), listen.stderr);
    return 'the file is unchanged, and the cursor is written';
  },
};
