import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { Member } from '../connection.mjs';
import { newRoom } from '../protocol.mjs';

const REQUESTS = 300;

/** Returns the number of open descriptors of a process. */
const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

export default {
  title: 'exhaust file descriptors with rejected upgrade requests',
  attacker: 'stranger',
  async run(scene) {
    const { run, port } = await scene.serve(['--web', '--web-port', '0']);
    const [, web] = await run.out(/^page on http:\/\/127\.0\.0\.1:(\d+)\/$/m);
    const before = descriptors(run.pid);
    // The client never closes: its half of each connection stays open after the relay has rejected the request.
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
    // The relay answers each of these after it has closed its side of the rejected ones.
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const member = await Member.join(port, newRoom(), 'bob');
      assert.ok(await member.send(member.author.seal('hello')), 'a member could not come in');
      member.connection.close();
      if (descriptors(run.pid) - before < 20) break;
    }
    const open = descriptors(run.pid) - before;
    assert.ok(open < 20, `the relay holds ${open} of ${ended.length} connections that it has refused`);
    return `${ended.length} upgrades rejected, ${Math.max(0, open)} descriptors held`;
  },
};
