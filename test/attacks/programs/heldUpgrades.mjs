import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { Member } from '../connection.mjs';
import { newRoom } from '../protocol.mjs';

const REQUESTS = 300;

/** How many descriptors a process has open. */
const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

export default {
  title: 'use up descriptors by upgrades that the relay refuses',
  attacker: 'a stranger',
  async run(scene) {
    const { run, port } = await scene.serve(['--web', '--web-port', '0']);
    const [, web] = await run.out(/^page on http:\/\/127\.0\.0\.1:(\d+)\/$/m);
    const before = descriptors(run.pid);
    // The client never closes: it keeps its half of each connection open after the relay has refused.
    const ended = await Promise.all(
      Array.from({ length: REQUESTS }, () => {
        const socket = connect({ port: Number(web), host: '127.0.0.1', allowHalfOpen: true });
        scene.onEnd(() => socket.destroy());
        return new Promise((done) => {
          socket.on('error', () => done());
          socket.on('data', () => undefined).on('end', () => done());
          socket.write(
            'GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
          );
        });
      }),
    );
    // Each of these answers after the relay has taken its end of the refused ones.
    for (let turn = 0; turn < 20; turn += 1) {
      const member = await Member.join(port, newRoom(), 'bob');
      assert.ok(await member.send(member.author.seal('hello')), 'a member could not come in');
      member.connection.close();
      if (descriptors(run.pid) - before < 20) break;
    }
    const held = descriptors(run.pid) - before;
    assert.ok(held < 20, `the relay holds ${held} of ${ended.length} connections that it has refused`);
    return `${ended.length} refused upgrades, ${Math.max(0, held)} descriptors held`;
  },
};
