import assert from 'node:assert/strict';
import { HostileRelay } from '../hostileRelay.mjs';
import { Author, inviteOf, newRoom, random64 } from '../protocol.mjs';

const LINES = 8000;

export default {
  title: "exhaust a reader's memory with announced nicks",
  attacker: 'relay',
  async run(scene) {
    const room = newRoom();
    const relay = await HostileRelay.start();
    scene.onEnd(() => relay.close());
    const file = scene.inviteFile(inviteOf(room, relay.port));
    const listen = scene.rxchat(['listen', '--invite-file', file, '--json', '--events'], {
      nodeArgs: ['--max-old-space-size=64'],
    });
    await listen.out(/online|joined/);
    for (let n = 0; n < LINES; n += 1) {
      // Long nicks, which a relay must not announce, and short ones, which it may.
      relay.append(`+${Array.from({ length: 100 }, () => random64(n % 2 === 0 ? 23 : 120)).join(',')}`);
      if (n % 50 === 0) await new Promise(setImmediate);
    }
    relay.append(new Author(room, 'alice').seal('after the nicks'));
    const survived = await Promise.race([listen.out(/after the nicks/).then(() => true), listen.exit]);
    assert.ok(
      survived === true || /protocol|nick|announce/i.test(listen.stderr),
      `listen ended: ${listen.stderr.slice(-500)}`,
    );
    assert.doesNotMatch(listen.stderr, /heap out of memory/);
    return `${LINES * 100} nicks announced; listen keeps reading with a 64 MiB heap`;
  },
};
