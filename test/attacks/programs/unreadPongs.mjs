import assert from 'node:assert/strict';
import { once } from 'node:events';
import { HostileRelay } from '../hostileRelay.mjs';
import { inviteOf, newRoom } from '../protocol.mjs';

const BYTES = 12_000_000;
const ALLOWED_BYTES = 100e6;

export default {
  title: "exhaust a client's memory with PINGs whose answers are never read",
  attacker: 'relay',
  async run(scene) {
    const relay = await HostileRelay.start();
    scene.onEnd(() => relay.close());
    const file = scene.inviteFile(inviteOf(newRoom(), relay.port));
    const listener = scene.rxchat(['listen', '--invite-file', file, '--nick', 'alice']);
    await relay.joined('alice');
    await relay.caughtUp('alice');
    const before = listener.residentBytes();
    const { connection, given } = relay.members.get('alice');
    connection.socket.pause();
    const pings = `PING ${given}\n`.repeat(10_000);
    for (let sent = 0; sent < BYTES && !connection.socket.destroyed; sent += pings.length)
      if (!connection.socket.write(pings))
        await Promise.race([once(connection.socket, 'drain'), once(connection.socket, 'close')]);
    const grown = listener.peakBytes() - before;
    assert.ok(!listener.ended, `the client ended:\n${listener.stderr}`);
    assert.ok(grown < ALLOWED_BYTES, `the client took ${Math.round(grown / 1e6)} MB more`);
    return `${BYTES / 1e6} MB of PING cost ${Math.round(grown / 1e6)} MB`;
  },
};
