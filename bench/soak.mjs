/**
 * Runs a thousand clients for an hour. They connect, send, lose their connections and leave. Fails if the memory,
 * handles or timers of the relay and the clients grow.
 *
 *   npm run soak
 *   npm run soak -- --minutes 5 --clients 200
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { clearInterval, setInterval, setTimeout } from 'node:timers';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Subject } from 'rxjs';
import { createInvite, joinRoom } from '../dist/src/index.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, clients: { type: 'string', default: '1000' } },
});
const LENGTH = Number(values.minutes) * 60_000;
const CLIENTS = Number(values.clients);
const ROOMS = Math.max(1, Math.round(CLIENTS / 10));
/** Interval in ms at which each client sends. All clients are one process, which must not be busy. */
const EVERY = 5000;
const SAMPLES = 30;
/** How long a client stays in ms: up to a tenth of the run, so that all clients are replaced many times. */
const STAY = Math.min(60_000, LENGTH / 10);

const dir = mkdtempSync(join(tmpdir(), 'rxchat-soak-'));
const relay = fork(new URL('./soakRelay.mjs', import.meta.url), [dir], { execArgv: ['--expose-gc'] });
const [{ port: relayPort }] = await once(relay, 'message');

const wire = fork(new URL('./soakWire.mjs', import.meta.url), [String(relayPort)]);
const [{ port }] = await once(wire, 'message');

const invites = Array.from({ length: ROOMS }, () => createInvite({ host: '127.0.0.1', port }));
const pick = (list) => list[Math.floor(Math.random() * list.length)];
const sum = { clients: 0, queued: 0, stored: 0, received: 0, offline: 0, errors: 0 };
const problems = new Map();
let over = false;
let born = 0;
const present = new Set();

const live = () => {
  if (over) return;
  const input$ = new Subject();
  born += 1;
  sum.clients += 1;
  const subscription = input$.pipe(joinRoom(pick(invites), { nick: `n${born}` })).subscribe({
    next: (received) => {
      if (received.type === 'queued') sum.queued += 1;
      if (received.type === 'stored') sum.stored += 1;
      if (received.type === 'message') sum.received += 1;
      if (received.type === 'offline') sum.offline += 1;
    },
    error: (error) => {
      sum.errors += 1;
      problems.set(error.message, (problems.get(error.message) ?? 0) + 1);
      present.delete(leave);
      clearInterval(sending);
      setTimeout(live, 100);
    },
  });
  const sending = setInterval(() => {
    input$.next('word '.repeat(1 + Math.floor(Math.random() * 40)));
  }, EVERY);
  const leave = () => {
    present.delete(leave);
    clearInterval(sending);
    subscription.unsubscribe();
  };
  present.add(leave);
  setTimeout(
    () => {
      if (!present.has(leave)) return;
      leave();
      live();
    },
    STAY * (0.1 + 0.9 * Math.random()),
  ).unref();
};

const own = () => {
  globalThis.gc();
  const kinds = process.getActiveResourcesInfo();
  return {
    heap: process.memoryUsage().heapUsed,
    sockets: kinds.filter((kind) => kind.startsWith('TCP')).length,
    timers: kinds.filter((kind) => kind === 'Timeout').length,
  };
};
const theirs = async () => {
  relay.send('held');
  const [{ held: usage }] = await once(relay, 'message');
  return usage;
};
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

console.log(`${CLIENTS} clients in ${ROOMS} rooms for ${values.minutes} minutes\n`);
for (let n = 0; n < CLIENTS; n += 1) setTimeout(live, (LENGTH / 20) * (n / CLIENTS));

const samples = [];
for (let n = 0; n < SAMPLES; n += 1) {
  await wait(LENGTH / SAMPLES);
  samples.push({ relay: await theirs(), clients: own() });
}
over = true;
wire.send('enough');
for (const leave of [...present]) leave();
await wait(12_000);
const rest = { relay: await theirs(), clients: own() };
relay.kill();
wire.kill();
rmSync(dir, { recursive: true, force: true });

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const third = SAMPLES / 3;
const rows = [];
let flat = true;
for (const who of ['relay', 'clients'])
  for (const what of ['heap', 'sockets', 'timers']) {
    const of = (some) => median(some.map((each) => each[who][what]));
    const [early, late] = [of(samples.slice(third, 2 * third)), of(samples.slice(2 * third))];
    const slack = what === 'heap' ? 8_388_608 : 20;
    const holds = late <= early * 1.15 + slack;
    flat &&= holds;
    const show = (value) => (what === 'heap' ? `${(value / 1_048_576).toFixed(1)} MiB` : String(value));
    rows.push([`${who}: ${what}`, show(early), show(late), show(rest[who][what]), holds ? 'flat' : 'GROWS']);
  }
console.log('| what | middle third | last third | when all have gone | |\n| --- | --- | --- | --- | --- |');
for (const row of rows) console.log(`| ${row.join(' | ')} |`);
console.log(
  `\n${Object.entries(sum)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}`,
);
for (const [message, times] of problems) console.log(`${times} times: ${message}`);
process.exitCode = flat && sum.errors === 0 ? 0 : 1;
