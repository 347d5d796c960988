import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Member } from '../connection.mjs';
import { inviteOf, newPerson, newRoom } from '../protocol.mjs';

export default {
  title: 'lose stored messages silently by restoring an older store',
  attacker: 'operator or disk',
  async run(scene) {
    const home = scene.dir();
    const data = join(home, 'relay');
    const flags = ['--data', data];
    const room = newRoom();
    const person = newPerson();
    const send = async (port, texts) => {
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
    await send(relay.port, ['monday 1', 'monday 2']);
    await stop(relay);
    const copy = join(scene.dir(), 'copy');
    cpSync(data, copy, { recursive: true, filter: (source) => !source.endsWith('.sock') });
    relay = await scene.serve(flags);
    await send(relay.port, ['tuesday 1', 'tuesday 2', 'tuesday 3']);
    const reader = listen(relay.port, ['--after', '0', '-n', '5']);
    assert.equal(await reader.exit, 0, reader.stderr);
    await stop(relay);

    rmSync(data, { recursive: true });
    cpSync(copy, data, { recursive: true });
    relay = await scene.serve(flags);
    await send(
      relay.port,
      Array.from({ length: 12 }, (_, n) => `wednesday ${n + 1}`),
    );
    const after = listen(relay.port, []);
    await after.out(/wednesday 12/);
    const received = new Set(after.stdout.match(/wednesday \d+/g));
    const noticed = /"type":"(log-changed|gap|alarm)"/.exec(after.stdout)?.[1];
    assert.ok(noticed, `${received.size} of 12 heard, and nobody was notified that the log went back`);
    assert.equal(received.size, 12, 'messages are missing');
    return `${received.size} of 12 later messages read; the reader reports ${noticed}`;
  },
};
