import assert from 'node:assert/strict';
import { Member } from '../connection.mjs';
import { newRoom } from '../protocol.mjs';

export default {
  title: 'use up all rooms of a relay',
  attacker: 'a stranger without an invite',
  async run(scene) {
    const { port } = await scene.serve(['--rooms', '150', '--new-rooms-per-address', '100']);
    // This machine is exempt from the limits of an address unless one is given.
    const held = [];
    let refused = 0;
    for (let n = 0; n < 500 && refused < 20; n += 1) {
      const member = await Member.join(port, newRoom(), 'mallory', { localAddress: '127.0.0.9' });
      if (member.refusal === undefined) held.push(member);
      else {
        refused += 1;
        member.connection.close();
      }
    }
    const alice = await Member.join(port, newRoom(), 'alice');
    assert.equal(alice.refusal, undefined, `after ${held.length} rooms of a stranger: ${alice.refusal}`);
    assert.ok(await alice.send(alice.author.seal('a room for us')));
    for (const member of held) member.connection.close();
    return `the stranger opened ${held.length} of 150 rooms, and others can open theirs`;
  },
};
