/**
 * Measures the relay's resident memory per idle member and per room, with a new relay for each row. Prints a table in
 * Markdown. Needs a file descriptor for each connection.
 *
 *   npm run bench:memory
 *   npm run bench:memory -- --count 2000
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { deriveRoomKeys } from '../dist/src/index.js';
import { formatHello, parseGreeting, proofMessage } from '../dist/streams/wire/handshake.js';

const { values } = parseArgs({ options: { count: { type: 'string', default: '5000' } } });
const COUNT = Number(values.count);

const BIN = new URL('../dist/bin/rxchat.js', import.meta.url).pathname;
const UNLIMITED = ['connections', 'connections-per-address', 'joins-per-second', 'rooms', 'room-members'];

const startRelay = async (dir) => {
  const flags = UNLIMITED.flatMap((limit) => [`--${limit}`, '0']);
  const store = dir === undefined ? ['--memory'] : ['--data', dir];
  const args = [BIN, 'serve', '--port', '0', '--heartbeat', '1h', '--log-level', 'error', ...store, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^listening on .*:(\d+)$/.exec(line)?.[1];
    if (port !== undefined) return { child, port: Number(port) };
  }
  throw new Error('the relay did not start');
};

const joined = (port, { room, sign }, nick) =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const session = randomBytes(16).toString('base64url');
    let output = '';
    socket.setEncoding('utf8').on('error', reject);
    socket.on('data', (text) => {
      const isFirst = output === '';
      if (output.includes('WELCOME ')) return;
      output += text;
      if (isFirst) {
        const nonce = parseGreeting(output.split('\n')[0]);
        const proof = sign(proofMessage({ nonce, room, session, binding: '', nick }));
        socket.write(`${formatHello({ nick, room, session, proof })}\n`);
      }
      if (output.includes('WELCOME ')) resolve(socket);
      if (output.includes('ERR ')) reject(new Error(output));
    });
  });

/** Returns the resident memory in bytes, once it stays constant. */
const residentMemory = async (pid) => {
  const read = () =>
    1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
  let last = read();
  for (let calm = 0; calm < 5;) {
    await wait(1000);
    const now = read();
    calm = Math.abs(now - last) < 262_144 ? calm + 1 : 0;
    last = now;
  }
  return last;
};

const keysOf = () => deriveRoomKeys(randomBytes(32));

const measure = async (isStored, keysFor) => {
  const dir = isStored ? mkdtempSync(join(tmpdir(), 'rxchat-bench-')) : undefined;
  const { child, port } = await startRelay(dir);
  try {
    // The first members load code and caches that are not part of a member's cost.
    const keys = keysOf();
    for (let n = 0; n < 50; n += 1) (await joined(port, keys, `w${n}`)).destroy();
    const before = await residentMemory(child.pid);
    const sockets = [];
    for (let n = 0; n < COUNT; n += 20)
      sockets.push(
        ...(await Promise.all(Array.from({ length: 20 }, (_, k) => joined(port, keysFor(), `n${n + k}`)))),
      );
    const kibibytes = ((await residentMemory(child.pid)) - before) / COUNT / 1024;
    for (const socket of sockets) socket.destroy();
    return kibibytes;
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
    if (dir !== undefined) rmSync(dir, { recursive: true });
  }
};

const one = keysOf();
console.log(`| ${COUNT} connections | in memory | with a store |\n| --- | ---: | ---: |`);
for (const [name, keysFor] of [
  ['members of one room', () => one],
  ['each in a room of its own', keysOf],
]) {
  const cells = [];
  for (const isStored of [false, true]) cells.push(`${(await measure(isStored, keysFor)).toFixed(1)} KiB`);
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}
