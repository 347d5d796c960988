import assert from 'node:assert/strict';
import { HostileRelay } from '../hostileRelay.mjs';
import { envelopeOf, inviteOf, newRoom } from '../protocol.mjs';

const PADDINGS = [0, 1100, 9000];

export default {
  title: 'hide a message behind so many repeats that nobody compares it',
  attacker: 'relay',
  async run(scene) {
    const seen = [];
    for (const padding of PADDINGS) {
      const room = newRoom();
      let hidden;
      let instead;
      const relay = await HostileRelay.start({
        show: (line, position, member) => (position === hidden && member.nick === 'carol' ? instead : line),
      });
      scene.onEnd(() => relay.close());
      const file = scene.inviteFile(inviteOf(room, relay.port));
      const options = (nick) => ['--invite-file', file, '--nick', nick];
      const carol = scene.rxchat(['listen', ...options('carol'), '--json', '--events']);
      await carol.out(/"carol"/);
      const alice = scene.rxchat(['send', ...options('alice'), '--timeout', '0']);
      const bob = scene.rxchat(['send', ...options('bob'), '--timeout', '0']);
      const send = async (person, text) => {
        await Promise.all(['alice', 'bob', 'carol'].map((nick) => relay.caughtUp(nick)));
        const token = relay.nextToken();
        person.child.stdin.write(`${text}\n`);
        await token;
      };
      await Promise.all(['alice', 'bob', 'carol'].map((nick) => relay.joined(nick)));
      await send(alice, 'first of alice');
      await send(bob, 'first of bob');
      instead = relay.entries.findLast((line) => line.startsWith('gAAAA'));
      hidden = relay.entries.length + 1;
      await send(alice, 'the message that carol does not see');
      assert.equal(envelopeOf(relay.entries[hidden - 1], room).text, 'the message that carol does not see');
      for (let n = 0; n < padding; n += 1) relay.append(instead);
      await send(bob, 'second of bob');
      await send(bob, 'third of bob');
      await carol.out(/third of bob/);
      const alarm = /"type":"alarm".*"reason":"(\w[\w-]*)"|"reason":"(\w[\w-]*)".*"type":"alarm"/.exec(
        carol.stdout,
      );
      assert.ok(alarm, `carol noticed nothing behind ${padding} repeats`);
      seen.push(`${padding}: ${alarm[1] ?? alarm[2]}`);
    }
    return `detected behind ${seen.join(', ')} repeats`;
  },
};
