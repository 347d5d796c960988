import assert from 'node:assert/strict';
import { HostileRelay } from '../hostileRelay.mjs';
import { inviteOf, newRoom } from '../protocol.mjs';

const NAMES = ['a.b', '%00', '*', 'a'.repeat(65), 'é', '-/-', '', '__proto__.x'];

export default {
  title: 'disable log comparison with a malformed log id',
  attacker: 'relay',
  async run(scene) {
    for (const log of NAMES) {
      let welcomed = 0;
      const relay = await HostileRelay.start({
        log,
        welcome: (fields) => {
          welcomed += 1;
          return fields;
        },
      });
      scene.onEnd(() => relay.close());
      const file = scene.inviteFile(inviteOf(newRoom(), relay.port));
      const send = scene.rxchat(['send', '--invite-file', file, '-m', 'hello', '--timeout', '3s']);
      const code = await send.exit;
      assert.notEqual(code, 0, `send took log=${log} for a log and says that its line is stored`);
      assert.ok(welcomed > 0);
      assert.equal(
        relay.entries.some((line) => line.startsWith('gAAAA')),
        false,
        `send spoke to a relay with log=${log}`,
      );
    }
    return `${NAMES.length} log ids, none accepted`;
  },
};
