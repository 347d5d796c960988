/**
 * Measures what TLS adds to the relay's work per join and per delivery. Relays with and without TLS run in turn. It
 * also measures the cost of passing work to another thread: a message to a worker, and the thread's wake-up. Prints
 * medians in Markdown.
 *
 *   npm run bench:tls -- [--clients N] [--lines N] [--rounds N]
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { pinSelf, SERVER_CORE } from './measure/cores.mjs';
import { makeRooms } from './measure/rooms.mjs';
import { withServer } from './measure/server.mjs';
import { median } from './measure/statistics.mjs';
import { rxchat } from './peers/rxchat.mjs';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '200' },
    lines: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
  },
});
const [clients, lines, rounds] = [values.clients, values.lines, values.rounds].map(Number);
if (![clients, lines, rounds].every((n) => n >= 1))
  throw new Error('--clients, --lines and --rounds count from 1');

const BURSTS = 400;
const TOKEN = `gAAAAA${'AbC-_9'.repeat(23)}AAAA\n`;

/** The certificate is removed with its directory. */
const relay = (...more) => ({
  ...rxchat,
  command: (at) => ['env', `XDG_STATE_HOME=${at.directory}`, ...rxchat.command(at), ...more],
});

const WAYS = {
  plain: {
    peer: relay(),
    connect: async (port) => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return { socket, binding: '' };
    },
  },
  TLS: {
    peer: relay('--tls'),
    connect: async (port) => {
      // Verifying the certificate is not part of the measurement.
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const binding = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
      return { socket, binding: binding.toString('base64url') };
    },
  },
};

/** Returns the CPU time of a process in µs. The system counts it in hundredths of a second. */
const cpuOf = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return 10_000 * (Number(fields[11]) + Number(fields[12]));
};

/** Connects a member, and counts the tokens that it received of the present burst. */
const join = async (way, port, room, n) => {
  const { socket, binding } = await way.connect(port);
  const client = { socket, tokens: 0 };
  let rest = '';
  const inside = new Promise((resolve, reject) => {
    socket.on('error', reject).on('close', () => reject(new Error('the relay let go of a client')));
    socket.setEncoding('latin1').on('data', (text) => {
      const [...whole] = (rest + text).split('\n');
      rest = whole.pop();
      for (const line of whole) {
        if (line.startsWith('gAAAAA')) client.tokens += 1;
        else if (line.startsWith('NICK '))
          socket.write(`${room.hello(`n${n}`, /nonce=(\S+)/.exec(line)[1], binding)}\n`);
        else if (line.startsWith('WELCOME ')) resolve();
      }
    });
  });
  await inside;
  return client;
};

const measure = ({ peer, ...way }) =>
  withServer(peer, { directory: tmpdir(), core: SERVER_CORE }, async ({ pid, port }) => {
    const room = makeRooms()('here');
    const all = [];
    const enter = async (until) => {
      while (all.length < until) all.push(await join(way, port, room, all.length));
    };
    const send = async (bursts) => {
      for (let burst = 0; burst < bursts; burst += 1) {
        for (const client of all) client.tokens = 0;
        all[burst % all.length].socket.write(TOKEN.repeat(lines));
        while (all.some(({ tokens }) => tokens < lines)) await turn();
      }
    };
    // A warm-up, because Node compiles hot code.
    await enter(clients / 2);
    await send(BURSTS / 4);
    const before = cpuOf(pid);
    await enter(clients);
    const joined = cpuOf(pid);
    await send(BURSTS / 4);
    const warm = cpuOf(pid);
    await send(BURSTS);
    const delivered = cpuOf(pid) - warm;
    for (const { socket } of all) socket.removeAllListeners('close').destroy();
    return { join: (joined - before) / (clients / 2), delivery: delivered / (BURSTS * clients * lines) };
  });

/** Returns the time in µs that the posting thread needs for a message that names a slice of shared memory. */
const posts = async () => {
  const worker = new Worker(`require('worker_threads').parentPort.on('message', () => {})`, { eval: true });
  const slab = new SharedArrayBuffer(1 << 18);
  const COUNT = 20_000;
  const times = [];
  for (let round = -1; round < rounds; round += 1) {
    const from = performance.now();
    for (let n = 0; n < COUNT; n += 1) worker.postMessage({ slab, from: n, end: n + 1200, room: 7 });
    if (round >= 0) times.push((1000 * (performance.now() - from)) / COUNT);
    await turn();
  }
  await worker.terminate();
  return median(times);
};

pinSelf();
const got = Object.fromEntries(Object.keys(WAYS).map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1)
  for (const [name, way] of Object.entries(WAYS)) got[name].push(await measure(way));

console.log(`lines of ${TOKEN.length} B, ${lines} in a write, ${clients} clients; medians of ${rounds}\n`);
console.log(
  '| the relay | CPU µs a client that joins | CPU µs a delivery | a write |\n| --- | --: | --: | --: |',
);
for (const [name, all] of Object.entries(got)) {
  const delivery = median(all.map((each) => each.delivery));
  const joined = median(all.map((each) => each.join));
  console.log(
    `| ${name} | ${joined.toFixed(0)} | ${delivery.toFixed(2)} | ${(delivery * lines).toFixed(1)} |`,
  );
}
console.log(`\na message to a worker thread: ${(await posts()).toFixed(1)} µs of the thread that posts it`);
process.exit();
