import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostileRelay } from '../hostileRelay.mjs';
import { Author, inviteOf, newRoom } from '../protocol.mjs';

/** Fields of `WELCOME` that the relay sends for a log of one entry. */
const WELCOMES = [
  { next: 0 },
  { first: 0 },
  { first: 3 },
  { from: 0 },
  { from: 9 },
  { next: -1 },
  { next: '1e3' },
  { next: '02' },
  { next: '999999999999999999' },
  { count: 'many' },
];
const GAPS = ['GAP 1 999999999999999', 'GAP 1 0', 'GAP 7 9', 'GAP 0 5', 'GAP -1 5', 'GAP 1 2 3 x', 'GAP'];

export default {
  title: "corrupt a reader's cursor with impossible numbers",
  attacker: 'relay',
  async run(scene) {
    const cases = [...WELCOMES.map((welcome) => ({ welcome })), ...GAPS.map((gap) => ({ gap }))];
    for (const { welcome = {}, gap } of cases) {
      const room = newRoom();
      const relay = await HostileRelay.start({ welcome: (fields) => ({ ...fields, ...welcome }) });
      scene.onEnd(() => relay.close());
      const author = new Author(room, 'mallory');
      relay.append(author.seal('one'));
      if (gap !== undefined) {
        relay.show = (line, position, member) => {
          if (position === 1) member.connection.write(gap);
          return line;
        };
      }
      const file = scene.inviteFile(inviteOf(room, relay.port));
      const cursor = join(scene.dir(), 'cursor');
      const listen = scene.rxchat([
        'listen',
        '--invite-file',
        file,
        '--after',
        '0',
        '--cursor-file',
        cursor,
        '-n',
        '1',
        '--no-retry',
      ]);
      const code = await listen.exit;
      const what = JSON.stringify(welcome) + (gap ?? '');
      assert.doesNotMatch(listen.stderr, /^\s+at /m, `a stack trace at ${what}`);
      assert.ok(code !== 0 || gap !== undefined, `listen accepts ${what}`);

      // The saved cursor must work with an honest relay. A cursor that no relay accepts would lock its owner out.
      const honest = await scene.serve(['--memory']);
      const invite = scene.inviteFile(inviteOf(room, honest.port));
      const sent = scene.rxchat(['send', '--invite-file', invite, '-m', 'after']);
      assert.equal(await sent.exit, 0, sent.stderr);
      try {
        writeFileSync(cursor, readFileSync(cursor, 'utf8'));
      } catch {
        continue;
      } finally {
        honest.run.child.kill('SIGTERM');
      }
    }
    return `${cases.length} claims, each a protocol error`;
  },
};
