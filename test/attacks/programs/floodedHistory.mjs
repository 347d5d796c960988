import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Member } from '../connection.mjs';
import { inviteOf, newRoom } from '../protocol.mjs';

const MESSAGES = 50;
const FLOOD_BYTES = 40_000_000;
const ROOMS = 5;
/** If the relay limits the stranger, the attack ends, but not the test. */
const PATIENCE_MS = 15_000;

export default {
  title: "evict other rooms' messages by filling your own rooms",
  attacker: 'stranger',
  async run(scene) {
    const home = scene.dir();
    const flags = ['--keep-total', '8MiB'];
    const first = await scene.serve(flags, { home });
    const room = newRoom();
    const alice = await Member.join(first.port, room, 'alice');
    for (let n = 1; n <= MESSAGES; n += 1) assert.ok(await alice.send(alice.author.seal(`message ${n}`)));
    alice.leave();

    const patience = AbortSignal.timeout(PATIENCE_MS);
    const givenUp = once(patience, 'abort');
    // The stranger has five rooms, each from another address, and fills them as far as the relay allows.
    const written = await Promise.all(
      Array.from({ length: ROOMS }, async (_, index) => {
        const own = newRoom();
        const member = await Member.join(first.port, own, 'mallory', {
          localAddress: `127.0.0.${index + 2}`,
        });
        const token = member.author.seal('x'.repeat(40_000));
        void member.connection.until(() => false);
        let bytes = 0;
        while (bytes < FLOOD_BYTES / ROOMS && !member.connection.ended && !patience.aborted) {
          await Promise.race([member.connection.writeSlowly(token), givenUp]);
          bytes += token.length;
        }
        member.connection.close();
        return bytes;
      }),
    );
    first.run.child.kill('SIGTERM');
    await first.run.exit;

    // A relay sweeps when it starts.
    const second = await scene.serve([...flags, '--log-level', 'info'], { home });
    const file = scene.inviteFile(inviteOf(room, second.port));
    const listen = scene.rxchat([
      'listen',
      '--invite-file',
      file,
      '--after',
      '0',
      '-n',
      String(MESSAGES),
      '--fail-on-gap',
    ]);
    assert.equal(await listen.exit, 0, `the messages are gone: ${listen.stderr}`);
    const received = listen.stdout.split('\n').filter((line) => /message \d+$/.test(line)).length;
    assert.equal(received, MESSAGES);
    return `${Math.round(written.reduce((a, b) => a + b, 0) / 1e6)} MB written by strangers; ${received} of ${MESSAGES} messages read`;
  },
};
