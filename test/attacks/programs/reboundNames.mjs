import assert from 'node:assert/strict';
import { connect } from 'node:net';

/** Returns the first line of the answer to an upgrade request from a page of that name. */
const upgrade = (port, host, origin) =>
  new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' }, () =>
      socket.write(
        `GET /rxchat HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      ),
    );
    let text = '';
    socket.on('error', () => done(text));
    socket.on('data', (bytes) => {
      text += bytes;
      if (!text.includes('\r\n')) return;
      done(text.split('\r\n')[0]);
      socket.destroy();
    });
    socket.on('close', () => done(text));
  });

export default {
  title: "join through other people's browsers by DNS rebinding",
  attacker: 'web page',
  async run(scene) {
    const { run } = await scene.serve(['--host', '0.0.0.0', '--plain', '--web', '--web-port', '0']);
    const [, port] = await run.out(/^page on http:\/\/\S+?:(\d+)\/$/m);
    const answers = [];
    for (const name of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example']) {
      const host = `${name}:${port}`;
      const answer = await upgrade(Number(port), host, `http://${host}`);
      assert.doesNotMatch(answer, / 101 /, `a page of ${host} is taken for one of the relay`);
      answers.push(answer);
    }
    assert.match(
      await upgrade(Number(port), `127.0.0.1:${port}`, `http://127.0.0.1:${port}`),
      / 101 /,
      'its own page',
    );
    return `${answers.length} names rejected; the page at its address accepted`;
  },
};
