import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { Member } from '../connection.mjs';
import { newRoom } from '../protocol.mjs';

const TARGETS = [
  '//',
  '///',
  '/\\',
  '//[',
  '//[]/x',
  'http://[',
  'http://%',
  'http:///',
  '//:99999',
  '//@',
  '//a:b@c:d/',
  '\\\\',
  '/%',
  '/%zz',
  '/rxchat?%',
  'rxchat',
  '*',
  '?',
  '#',
  'http://',
  'https:',
  '//\u0000',
  `/${'a'.repeat(7000)}`,
  '/rxchat/../..',
  'javascript:x',
];
const UPGRADES = [
  'websocket',
  'h2c',
  'WebSocket, h2c',
  '',
  'websocket\r\nSec-WebSocket-Key: x',
  'websocket\r\nSec-WebSocket-Version: 99',
];

/** Sends one request as it is, and resolves when the relay has closed the connection. */
const request = (port, text) =>
  new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.end(text));
    socket.on('data', () => undefined).on('error', () => undefined);
    socket.on('close', done);
  });

export default {
  title: 'crash the relay with an HTTP request target',
  attacker: 'stranger or web page',
  async run(scene) {
    const { run, port } = await scene.serve(['--web', '--web-port', '0']);
    const [, web] = await run.out(/^page on http:\/\/127\.0\.0\.1:(\d+)\/$/m);
    const bob = await Member.join(port, newRoom(), 'bob');
    let tried = 0;
    for (const method of ['GET', 'POST', 'CONNECT']) {
      for (const target of TARGETS) {
        for (const upgrade of method === 'GET' ? UPGRADES : ['websocket']) {
          const head = `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`;
          await request(Number(web), head);
          tried += 1;
          assert.equal(
            run.ended,
            false,
            `the relay ended after ${JSON.stringify(head.slice(0, 80))}:\n${run.stderr}`,
          );
        }
      }
    }
    assert.ok(await bob.send(bob.author.seal('still here')), 'a member was cut off');
    return `${tried} requests; the relay keeps running`;
  },
};
