import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { GroupAttacker } from '../groupAttacker.mjs';
import { commitToken, Device, joinCommit } from '../groupProtocol.mjs';
import { eventsOf, GroupRoom } from '../groupRoom.mjs';

export default {
  title: 'join a group as another person by the credential of a member',
  attacker: 'invite holder',
  async run(scene) {
    const room = await GroupRoom.create(scene, await scene.serve());
    const bob = room.person('bob');
    await bob.send('bob is here');
    const reader = await room.listen();
    await reader.out(/bob is here/);
    const mallory = await GroupAttacker.join(room);
    await mallory.send(commitToken(randomBytes(700), randomBytes(150), mallory.outer));
    const [alices, bobs] = mallory.group.leaves;
    const own = new Device();
    const ofIdentity = Buffer.concat([bobs.credential.subarray(0, 33), own.credential.subarray(33)]);
    const attempts = [
      // The credential alone, with the key that it certifies, and in the place of its owner.
      { leaf: { credential: bobs.credential } },
      { leaf: { credential: bobs.credential, device: bobs.device } },
      { leaf: { credential: bobs.credential, device: bobs.device }, removed: [bobs.index] },
      // A credential of its own in the name of bob, and the removal of others.
      { leaf: { credential: ofIdentity } },
      { leaf: { credential: ofIdentity }, removed: [bobs.index] },
      { removed: [bobs.index] },
      { removed: [alices.index] },
    ];
    const before = mallory.group;
    const texts = ['bob is here'];
    for (const [at, attempt] of attempts.entries()) {
      const { commit, update } = joinCommit(before, own, attempt);
      await mallory.send(commitToken(commit, update, mallory.outer));
      texts.push(`message ${at}`);
      await bob.send(texts.at(-1));
      await reader.out(new RegExp(`"text":"message ${at}"`));
    }
    assert.deepEqual(room.textsOf(reader), texts);
    const epochs = () => eventsOf(reader.stdout).filter(({ type }) => type === 'epoch');
    assert.equal(epochs().length, 1, 'a commit of the attacker counts');
    assert.equal((await room.members()).length, 2);
    // A control: the same device joins in its own name.
    mallory.follower.group = before;
    await mallory.enter(own);
    await reader.out(/"3 members"|"type":"epoch"[^]*"type":"epoch"/);
    assert.equal((await room.members()).length, 3);
    return `${attempts.length} commits count for nobody; ${texts.length} of ${texts.length} messages read once`;
  },
};
