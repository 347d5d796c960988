/**
 * What the relay's core costs by itself: no sockets, no signatures, connections that take everything. So what is measured
 * is ours, and not the system's. Each row is the median of five; prints Markdown.
 *
 *   npm run bench:core
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { NEVER, Observable, Subject } from 'rxjs';
import { relay } from '../dist/src/index.js';
import { base64urlRuns, scriptedRuns } from '../dist/streams/wire/base64urlRun.js';

const TOKEN = `gAAAAA${'AbC-_9'.repeat(23)}AAAA\n`;
const ROUNDS = 5;

const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
const cpuMs = (since) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};

/** A connection that is only spoken to. */
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
    say: (text) => subscriber.next(Buffer.from(text)),
    end: () => subscriber.complete(),
  };
};

/** A relay, and how to let somebody into one of its rooms. */
const newRelay = () => {
  const connection$ = new Subject();
  const running = connection$.pipe(relay({ verify: () => true, window: 1 << 20 })).subscribe();
  const join = (room, n) => {
    const connection = newConnection();
    connection$.next(connection);
    const session = randomBytes(16).toString('base64url');
    connection.say(`NICK n${n} room=${room} session=${session} proof=${'A'.repeat(86)}\n`);
    return connection;
  };
  return { join, end: () => running.unsubscribe() };
};

const newName = () => randomBytes(32).toString('base64url');

/** Rooms of so many members, once all of them have been announced. */
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

/** CPU µs for each delivery and each line, in rooms of so many in which `chunks` come a turn, of so many lines. */
const deliveries = async ({ rooms, members, chunks, lines }) => {
  const { join, end } = newRelay();
  const all = await populate(join, rooms, members);
  const text = TOKEN.repeat(lines);
  const turns = Math.ceil(60_000 / (chunks * Math.max(1, members / 10)));
  const times = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    const from = process.cpuUsage();
    for (let n = 0; n < turns; n += 1) {
      for (let chunk = 0; chunk < chunks; chunk += 1) {
        const room = all[(n * chunks + chunk) % rooms];
        room[(n + chunk) % members].say(text);
      }
      await turn();
      await turn();
    }
    if (round >= 0) times.push((1000 * cpuMs(from)) / (turns * chunks * lines));
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
  const kept = await populate(join, 1, members);
  const kib = (used() - before) / 1024 / kept[0].length;
  end();
  return kib;
};

/** ns for each byte that is looked at, whether it may stand in a token: lines of 1 KiB, twelve in a chunk. */
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
  `a byte looked at: ${looks(base64urlRuns).toFixed(2)} ns, without WebAssembly ${looks(scriptedRuns).toFixed(2)} ns`,
);
console.log(`heap of a member: ${(await heap(2000)).toFixed(1)} KiB`);
process.exit();
