import assert from 'node:assert/strict';
import { Member } from '../connection.mjs';
import { newRoom } from '../protocol.mjs';

export default {
  title: 'use up all rooms of a relay',
  attacker: 'stranger',
  async run(scene) {
    const { port } = await scene.serve(['--rooms', '150', '--new-rooms-per-address', '100']);
    // Loopback is exempt from limits per address unless a flag sets one.
    const connections = [];
    let refused = 0;
    for (let n = 0; n < 500 && refused < 20; n += 1) {
      const member = await Member.join(port, newRoom(), 'mallory', { localAddress: '127.0.0.9' });
      if (member.refusal === undefined) connections.push(member);
      else {
        refused += 1;
        member.connection.close();
      }
    }
    const alice = await Member.join(port, newRoom(), 'alice');
    assert.equal(
      alice.refusal,
      undefined,
      `after ${connections.length} rooms of a stranger: ${alice.refusal}`,
    );
    assert.ok(await alice.send(alice.author.seal('a room for us')));
    for (const member of connections) member.connection.close();
    return `the stranger opened ${connections.length} of 150 rooms; others can still open theirs`;
  },
};
