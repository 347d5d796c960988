/**
 * Measures how long a client that comes back takes to read what it has missed: the last 2000 of 6000 entries of 800 bytes,
 * from the embedded store (lmdb), and from relays that share nats-servers. Prints a table in Markdown.
 *
 * The rooms are written at the same time, so that their records are mixed in the files of the engine. The stores take turns,
 * and each read is of a room that its relay has not read since it was started, except in the row `again`.
 *
 *   npm run bench:past
 *   npm run bench:past -- --rooms 64 --batch 1
 *   npm run bench:past -- --cache 0          without the cache of the relays
 *
 * Needs nats-server. `node scripts/fetchNats.mjs` fetches the newer one; without it its column is missing.
 */
import { Buffer } from 'node:buffer';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { makeRooms } from './measure/rooms.mjs';
import { median, ratio } from './measure/statistics.mjs';

const { values } = parseArgs({
  options: {
    rooms: { type: 'string', default: '16' },
    entries: { type: 'string', default: '2000' },
    older: { type: 'string', default: '4000' },
    batch: { type: 'string', default: '10' },
    bytes: { type: 'string', default: '800' },
    cache: { type: 'string', default: '256MiB' },
  },
});
const {
  rooms: ROOMS,
  entries: ENTRIES,
  older: OLDER,
  batch: BATCH,
  bytes: BYTES,
} = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
const CACHE = ['--store-cache', values.cache];
if (![ROOMS, ENTRIES, BATCH].every((n) => n >= 1) || !(OLDER >= 0) || !(BYTES >= 100))
  throw new Error('--rooms, --entries and --batch count from 1, --older from 0, --bytes from 100');

const RXCHAT = resolve(import.meta.dirname, '../dist/bin/rxchat.js');
const NEWER = resolve(import.meta.dirname, '../node_modules/.cache/nats-server/nats-server');
/** The smallest window, so that a relay reads the entries from its store. */
const LIMITS = ['--window', '256KiB', '--connections-per-address', '0', '--lines-per-second', '0'];
const NEWLINE = 10;
const TOKEN_START = 'g'.charCodeAt(0);

/** Starts a process, and resolves when a line of an output matches. */
const start = async (program, args, output, ready) => {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child[output === 'stdout' ? 'stderr' : 'stdout'].resume();
  const match = await new Promise((done, fail) => {
    createInterface(child[output]).on('line', (line) => {
      const found = ready.exec(line);
      if (found !== null) done(found);
    });
    child.once('exit', () => fail(new Error(`${program} ended at its start`)));
  });
  return {
    match,
    pid: child.pid,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
    },
  };
};

const startRelay = async (flags) => {
  const relay = await start(
    process.execPath,
    [RXCHAT, 'serve', '--port', '0', ...LIMITS, ...flags],
    'stdout',
    /^listening on .*:(\d+)$/,
  );
  return { ...relay, port: Number(relay.match[1]) };
};

/** Joins a room, and calls `onTokens` with the number of tokens that have arrived, and 0 after the welcome. */
const joinRoom = (port, room, nick, after, onTokens) => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const lines = { tokens: 0, isStart: true };
  let greeting = Buffer.alloc(0);
  const count = (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (lines.isStart && chunk[at] === TOKEN_START) lines.tokens += 1;
      const end = chunk.indexOf(NEWLINE, at);
      lines.isStart = end !== -1;
      at = end === -1 ? chunk.length : end + 1;
    }
    onTokens(lines.tokens, socket);
  };
  socket.on('data', (chunk) => {
    if (greeting === undefined) {
      count(chunk);
      return;
    }
    greeting = Buffer.concat([greeting, chunk]);
    const nonce = /nonce=(\S+).*\n/.exec(greeting.toString('latin1'))?.[1];
    if (nonce === undefined) return;
    greeting = undefined;
    socket.write(`${room.hello(nick, nonce)} after=*/${after}\n`);
  });
  for (const event of ['error', 'end'])
    socket.on(event, () => {
      throw new Error('the relay has ended a connection');
    });
  return socket;
};

/** A token that is valid in form but encrypted with no key. */
const makeToken = () => {
  const bytes = Buffer.concat([
    Buffer.from([0x80, 0, 0, 0, 0]),
    randomBytes(52 + 16 * Math.max(1, Math.floor(((BYTES * 3) / 4 - 57) / 16))),
  ]);
  return `${bytes.toString('base64url')}${'='.repeat((3 - (bytes.length % 3)) % 3)}\n`;
};

/** Fills the rooms at the same time, a batch of each in turn. */
const fill = async (port, rooms) => {
  const payload = Array.from({ length: BATCH }, makeToken).join('');
  let target = 0;
  let missing = rooms.length;
  let onRound;
  const startRound = () => {
    missing = rooms.length;
    return new Promise((done) => (onRound = done));
  };
  let round = startRound();
  const reached = rooms.map(() => -1);
  const sockets = rooms.map((room, n) =>
    joinRoom(port, room, 'writer', 0, (tokens) => {
      if (tokens < target || reached[n] === target) return;
      reached[n] = target;
      missing -= 1;
      if (missing === 0) onRound();
    }),
  );
  await round;
  while (target < OLDER + ENTRIES) {
    round = startRound();
    target += BATCH;
    for (const socket of sockets) socket.write(payload);
    await round;
  }
  for (const socket of sockets) socket.removeAllListeners('end').end('BYE\n');
};

/** Resolves with the time in ms in which a client that comes back has read everything. */
const comeBack = (port, room) =>
  new Promise((done) => {
    const began = performance.now();
    // The first entry announces the writer.
    joinRoom(port, room, 'reader', 1 + OLDER, (tokens, socket) => {
      if (tokens < ENTRIES) return;
      done(performance.now() - began);
      socket.removeAllListeners('end').destroy();
    });
  });

const dir = mkdtempSync(join(tmpdir(), 'rxchat-past-'));

/** A store and its relay, which can be started again. */
const openStore = async (name, program) => {
  const own = join(dir, name.replaceAll(' ', '-'));
  mkdirSync(own);
  let server;
  let relay;
  const startAll = async () => {
    if (program !== undefined) {
      const args = ['-a', '127.0.0.1', '-p', String(server?.port ?? -1), '-js', '-sd', join(own, 'nats')];
      const started = await start(program, args, 'stderr', /client connections on 127\.0\.0\.1:(\d+)/);
      server = { ...started, port: Number(started.match[1]) };
    }
    const flags =
      program === undefined
        ? ['--data', join(own, 'data'), '--durability', 'os']
        : [
            '--data',
            join(own, 'data'),
            '--store',
            `nats://127.0.0.1:${server.port}`,
            '--store-streams',
            '1',
            ...CACHE,
          ];
    relay = await startRelay(flags);
  };
  const stop = async () => {
    await relay.stop();
    await server?.stop();
  };
  await startAll();
  return {
    name,
    rooms: Array.from({ length: ROOMS }, (_, n) => makeRooms()(n)),
    get port() {
      return relay.port;
    },
    restart: async () => {
      await stop();
      await startAll();
    },
    stop,
  };
};

const stores = [];
try {
  stores.push(await openStore('lmdb'));
  for (const program of ['nats-server', NEWER]) {
    const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    if (status === 0) stores.push(await openStore(`nats ${/v(\d+\.\d+)/.exec(stdout)[1]}`, program));
  }
  for (const store of stores) {
    const began = performance.now();
    await fill(store.port, store.rooms);
    console.error(`${store.name}: filled in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  console.log(`| ${ROOMS} rooms, ${ENTRIES} entries | ${stores.map(({ name }) => name).join(' | ')} |`);
  console.log(`| --- |${' --: |'.repeat(stores.length)}`);
  const measure = async (what, first, count) => {
    const times = stores.map(() => []);
    for (let n = 0; n < count; n += 1)
      for (const [at, store] of stores.entries())
        times[at].push(await comeBack(store.port, store.rooms[first + n]));
    const cells = times.map((each) => {
      const { median: of, min, max } = ratio(each, times[0]);
      return `${median(each).toFixed(0)} ms${each === times[0] ? '' : `, ${of.toFixed(1)}x (${min.toFixed(1)}–${max.toFixed(1)})`}`;
    });
    console.log(`| ${what} | ${cells.join(' | ')} |`);
  };
  for (const store of stores) await store.restart();
  // The first reads of a process are slower in all.
  const warm = Math.max(1, Math.floor(ROOMS / 4));
  await measure('the first rooms after a restart of everything', 0, warm);
  await measure('other rooms', warm, ROOMS - warm);
  await measure('again', ROOMS - Math.min(5, ROOMS - warm), Math.min(5, ROOMS - warm));
} finally {
  for (const store of stores) await store.stop();
  rmSync(dir, { recursive: true, force: true });
}
