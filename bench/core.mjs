/**
 * Measures the relay's core alone: no sockets, no signatures, and connections that accept everything. Each row is the
 * median of five runs. Prints Markdown.
 *
 *   npm run bench:core
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { NEVER, Observable, Subject } from 'rxjs';
import { relay } from '../dist/src/index.js';
import { base64urlScanner, scriptScanner } from '../dist/streams/wire/encoding.js';

const TOKEN = `gAAAAA${'AbC-_9'.repeat(23)}AAAA\n`;
const ROUNDS = 5;

const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
const cpuMs = (since) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};

/** A connection whose input the bench writes. */
const newConnection = () => {
  let subscriber;
  return {
    peer: '192.0.2.1:1',
    channelBinding: new Uint8Array(0),
    chunk$: new Observable((each) => {
      subscriber = each;
    }),
    writable$: NEVER,
    pause: () => undefined,
    resume: () => undefined,
    close: () => undefined,
    write: () => true,
    send: (text) => subscriber.next(Buffer.from(text)),
    end: () => subscriber.complete(),
  };
};

/** Creates a relay, and a function that adds a member to one of its rooms. */
const newRelay = () => {
  const connection$ = new Subject();
  const running = connection$
    .pipe(relay({ verify: () => true, history: { windowBytes: 1 << 20 } }))
    .subscribe();
  const join = (room, n) => {
    const connection = newConnection();
    connection$.next(connection);
    const session = randomBytes(16).toString('base64url');
    connection.send(`NICK n${n} room=${room} session=${session} proof=${'A'.repeat(86)}\n`);
    return connection;
  };
  return { join, end: () => running.unsubscribe() };
};

const newName = () => randomBytes(32).toString('base64url');

/** Fills `rooms` rooms with `members` members each, and waits until all joins are announced. */
const populate = async (join, rooms, members) => {
  const all = [];
  for (let room = 0; room < rooms; room += 1) {
    const name = newName();
    all.push(Array.from({ length: members }, (_, n) => join(name, n)));
    await turn();
  }
  await wait(1500);
  return all;
};

/** Returns the CPU time in µs per delivery and per line, if `chunks` of `lines` lines each arrive per tick. */
const deliveries = async ({ rooms, members, chunks, lines }) => {
  const { join, end } = newRelay();
  const all = await populate(join, rooms, members);
  const text = TOKEN.repeat(lines);
  const rounds = Math.ceil(60_000 / (chunks * Math.max(1, members / 10)));
  const times = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    const from = process.cpuUsage();
    for (let n = 0; n < rounds; n += 1) {
      for (let chunk = 0; chunk < chunks; chunk += 1) {
        const room = all[(n * chunks + chunk) % rooms];
        room[(n + chunk) % members].send(text);
      }
      await turn();
      await turn();
    }
    if (round >= 0) times.push((1000 * cpuMs(from)) / (rounds * chunks * lines));
  }
  end();
  return median(times);
};

const joins = async (members) => {
  const { join, end } = newRelay();
  const name = newName();
  const from = process.cpuUsage();
  const all = [];
  for (let n = 0; n < members; n += 1) {
    all.push(join(name, n));
    if (n % 20 === 0) await turn();
  }
  await wait(1500);
  const joined = (1000 * cpuMs(from)) / members;
  const before = process.cpuUsage();
  for (const each of all) each.end();
  await turn();
  await turn();
  const left = (1000 * cpuMs(before)) / members;
  end();
  return { joined, left };
};

const heap = async (members) => {
  const { join, end } = newRelay();
  await populate(join, 1, 500);
  const used = () => {
    globalThis.gc();
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  const connections = await populate(join, 1, members);
  const kib = (used() - before) / 1024 / connections[0].length;
  end();
  return kib;
};

/** Returns the time in ns per byte to check that the bytes of a token are valid: lines of 1 KiB, twelve per chunk. */
const looks = (runs) => {
  const chunk = Buffer.from(`${'AbC-_9'.repeat(170)}\n`.repeat(12));
  const look = () => {
    const runEnd = runs(chunk);
    for (let at = 0; at < chunk.length; at += 1) at = runEnd(at);
  };
  const times = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    const from = process.cpuUsage();
    for (let n = 0; n < 5000; n += 1) look();
    if (round >= 0) times.push((1e6 * cpuMs(from)) / (5000 * chunk.length));
  }
  return median(times);
};

const SHAPES = [
  { rooms: 1, members: 10, chunks: 10, lines: 12 },
  { rooms: 1, members: 10, chunks: 10, lines: 1 },
  { rooms: 1, members: 1000, chunks: 10, lines: 12 },
  { rooms: 1000, members: 10, chunks: 250, lines: 1 },
];

console.log('| rooms | members | lines a turn | CPU µs a line | CPU µs a delivery |');
console.log('| --: | --: | --: | --: | --: |');
for (const shape of SHAPES) {
  const { rooms, members, chunks, lines } = shape;
  const line = await deliveries(shape);
  console.log(
    `| ${rooms} | ${members} | ${chunks} × ${lines} | ${line.toFixed(2)} | ${(line / members).toFixed(3)} |`,
  );
}
const all = [];
for (let round = 0; round < ROUNDS; round += 1) all.push(await joins(2000));
const joined = median(all.map((each) => each.joined));
const left = median(all.map((each) => each.left));
console.log(`\n2000 members: ${joined.toFixed(0)} µs to join, ${left.toFixed(0)} µs to leave, each`);
console.log(
  `a byte looked at: ${looks(base64urlScanner).toFixed(2)} ns, without WebAssembly ${looks(scriptScanner).toFixed(2)} ns`,
);
console.log(`heap of a member: ${(await heap(2000)).toFixed(1)} KiB`);
process.exit();
