import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Member } from '../connection.mjs';
import { inviteOf, newPerson, newRoom } from '../protocol.mjs';

export default {
  title: 'lose stored messages unnoticed by an older copy of the store',
  attacker: 'an operator, or a disk',
  async run(scene) {
    const home = scene.dir();
    const data = join(home, 'relay');
    const flags = ['--data', data];
    const room = newRoom();
    const person = newPerson();
    const say = async (port, texts) => {
      const alice = await Member.join(port, room, 'alice', { person });
      for (const text of texts) assert.ok(await alice.send(alice.author.seal(text)));
      alice.leave();
    };
    const stop = async ({ run }) => {
      run.child.kill('SIGTERM');
      await run.exit;
    };
    const listenHome = scene.dir();
    const cursor = join(listenHome, 'cursor');
    const listen = (port, more) =>
      scene.rxchat(
        [
          'listen',
          '--invite-file',
          scene.inviteFile(inviteOf(room, port)),
          '--cursor-file',
          cursor,
          '--json',
          '--events',
          ...more,
        ],
        {
          home: listenHome,
        },
      );

    let relay = await scene.serve(flags);
    await say(relay.port, ['monday 1', 'monday 2']);
    await stop(relay);
    const copy = join(scene.dir(), 'copy');
    cpSync(data, copy, { recursive: true, filter: (source) => !source.endsWith('.sock') });
    relay = await scene.serve(flags);
    await say(relay.port, ['tuesday 1', 'tuesday 2', 'tuesday 3']);
    const reader = listen(relay.port, ['--after', '0', '-n', '5']);
    assert.equal(await reader.exit, 0, reader.stderr);
    await stop(relay);

    rmSync(data, { recursive: true });
    cpSync(copy, data, { recursive: true });
    relay = await scene.serve(flags);
    await say(
      relay.port,
      Array.from({ length: 12 }, (_, n) => `wednesday ${n + 1}`),
    );
    const after = listen(relay.port, []);
    await after.out(/wednesday 12/);
    const heard = new Set(after.stdout.match(/wednesday \d+/g));
    const noticed = /"type":"(log-changed|gap|alarm)"/.exec(after.stdout)?.[1];
    assert.ok(noticed, `${heard.size} of 12 heard, and nobody was notified that the log went back`);
    assert.equal(heard.size, 12, 'messages are missing');
    return `${heard.size} of 12 later messages read, and the reader reports ${noticed}`;
  },
};
