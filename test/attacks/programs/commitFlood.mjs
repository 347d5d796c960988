import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Member } from '../connection.mjs';
import {
  commitToken,
  Device,
  Follower,
  frameOf,
  frameToken,
  groupRoomOf,
  joinCommit,
} from '../groupProtocol.mjs';
import { eventsOf, GroupRoom } from '../groupRoom.mjs';

const ROUNDS = 10;
/** In each round: commits that are no commits, and a valid one of a new device. */
const WRONG_COMMITS = 30;

export default {
  title: 'lose or repeat messages of a group by a flood of commits, new ones and replayed ones',
  attacker: 'invite holder',
  async run(scene) {
    const room = await GroupRoom.create(scene, await scene.serve());
    const bob = room.person('bob');
    await bob.send('bob is here');
    const reader = await room.listen();
    const writer = bob.start('send', ['--as-member', '--json']);

    const outer = groupRoomOf(room.invite);
    const mallory = await Member.join(room.relay.port, outer, 'mallory', { fields: 'last=200' });
    const follower = new Follower(outer);
    const commits = [];
    /** Sends a token, and reads the log up to it. */
    const send = async (token) => {
      mallory.connection.write(token);
      await mallory.entry((line) => {
        if (line.startsWith('gAAAA') && follower.read(line) === 3) commits.push(line);
        return line === token;
      });
    };

    const texts = ['bob is here'];
    let joins = 0;
    for (let round = 1; round <= ROUNDS; round += 1) {
      const text = `message ${round}`;
      texts.push(text);
      writer.child.stdin.write(`${text}\n`);
      for (let count = 0; count < WRONG_COMMITS; count += 1)
        await send(commitToken(randomBytes(700), randomBytes(150), outer));
      // The same lines again, and the same commits in other lines.
      for (const token of [...commits.slice(-3)]) {
        await send(token);
        const { type, body } = frameOf(token, outer);
        await send(frameToken(type, body, outer));
      }
      // As the last word of each round one that is valid: all members have to change their keys.
      const before = follower.group.epoch;
      while (follower.group.epoch === before) {
        const { commit, update } = joinCommit(follower.group, new Device(`attacker ${round}`));
        await send(commitToken(commit, update, outer));
      }
      joins += 1;
      await reader.out(new RegExp(`"text":"${text}"`));
    }
    writer.child.stdin.end('the end\n');
    assert.equal(await writer.exit, 0, writer.stderr);
    await reader.out(/"text":"the end"/);
    assert.deepEqual(room.textsOf(reader), [...texts, 'the end']);
    const epochs = eventsOf(reader.stdout).filter(({ type }) => type === 'epoch');
    const members = await room.members();
    assert.equal(members.length, 2 + joins, 'commits count that are not valid, or a valid one does not');
    assert.ok(epochs.length >= joins);
    assert.ok(epochs.every(({ change }) => change === 'joined' || change === 'renewed'));
    return `${texts.length + 1} of ${ROUNDS + 2} messages read once, through ${joins} joins and ${ROUNDS * (WRONG_COMMITS + 6)} other commits`;
  },
};
