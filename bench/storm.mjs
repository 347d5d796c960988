/**
 * What the members of a room notice while strangers press at the door: the latency of their messages, before, during and
 * after. Prints a table in Markdown. Each side of it is a process of its own; it wants 20 000 file descriptors.
 *
 *   npm run bench:storm
 *   npm run bench:storm -- --half-open 1000 --clients 500 --seconds 5
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { clearInterval, setInterval, setTimeout } from 'node:timers';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { NEVER, Observable, range, retry, Subject, take, timer } from 'rxjs';
import { createInvite, room, tcpConnection } from '../dist/src/index.js';
import { LinkError } from '../dist/streams/index.js';

const { values } = parseArgs({
  options: {
    'half-open': { type: 'string', default: '10000' },
    clients: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '12' },
    press: { type: 'string' },
    port: { type: 'string' },
  },
});
const HALF_OPEN = Number(values['half-open']);
const CLIENTS = Number(values.clients);
const SECONDS = Number(values.seconds);
const MEMBERS = 10;

/** Keeps so many connections there, whatever the relay does with them. */
const knock = (port, count, behave) => {
  const again = () => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined).on('close', () => setTimeout(again, 500 + 500 * Math.random()));
    socket.on('connect', () => behave(socket)).resume();
  };
  for (let n = 0; n < count; n += 1) setTimeout(again, (2000 * n) / count);
};

const PRESSES = {
  'half-open': (port) => knock(port, HALF_OPEN, () => undefined),
  'slow-loris': (port) =>
    knock(port, HALF_OPEN, (socket) => {
      const drip = setInterval(() => socket.write('N'), 1000);
      socket.on('close', () => clearInterval(drip));
    }),
  // All are in, in rooms of ten; then all connections are cut in the same moment, and all come back.
  storm: (port) => {
    const invites = Array.from({ length: Math.ceil(CLIENTS / 10) }, () =>
      createInvite({ host: '127.0.0.1', port }),
    );
    const sockets = new Set();
    const held = (invite) =>
      new Observable((subscriber) => {
        const socket = connect({ host: invite.host, port: invite.port });
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        socket.once('error', (error) => subscriber.error(new LinkError(error.message)));
        socket.once('connect', () => {
          subscriber.next(tcpConnection(socket));
          subscriber.complete();
        });
      });
    const inside = new Set();
    const tally = { busy: 0, began: performance.now() };
    const enter = (n) =>
      NEVER.pipe(
        room(invites[n % invites.length], { nick: `n${n}`, connect: held }),
        retry({ delay: 500 }),
      ).subscribe(({ type, reason }) => {
        if (type === 'offline') {
          inside.delete(n);
          if (/busy/.test(reason)) tally.busy += 1;
        }
        if (type !== 'welcome') return;
        inside.add(n);
        if (inside.size === CLIENTS) process.send({ ms: performance.now() - tally.began, busy: tally.busy });
      });
    // In steps, so that this process is not what all wait for.
    timer(0, 100)
      .pipe(take(CLIENTS / 20))
      .subscribe((step) => range(step * 20, 20).subscribe(enter));
    process.on('message', () => {
      Object.assign(tally, { busy: 0, began: performance.now() });
      for (const socket of sockets) socket.destroy();
    });
  },
};

if (values.press !== undefined) PRESSES[values.press](Number(values.port));
else await measure();

async function measure() {
  const bin = new URL('../dist/bin/rxchat.js', import.meta.url).pathname;
  const limits = ['--connections', '20000', '--connections-per-address', '0'];
  const relay = spawn(process.execPath, [bin, 'serve', '--port', '0', '--memory', ...limits], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [said] = await once(createInterface({ input: relay.stdout }), 'line');
  const port = Number(/:(\d+)$/.exec(said)[1]);

  const invite = createInvite({ host: '127.0.0.1', port });
  let latencies = [];
  let heard = 0;
  let lost = 0;
  const says = [];
  for (let n = 0; n < MEMBERS; n += 1) {
    const say$ = new Subject();
    says.push(say$);
    await new Promise((resolve, reject) => {
      say$.pipe(room(invite, { nick: `member${n}` })).subscribe({
        next: (event) => {
          if (event.type === 'welcome') resolve();
          if (event.type === 'offline' || event.type === 'gap') lost += 1;
          if (event.type !== 'message') return;
          heard += 1;
          latencies.push(performance.now() - Number(event.lines?.[0] ?? event.text));
        },
        error: reject,
      });
    });
  }

  let sent = 0;
  const talking = setInterval(() => {
    says[sent % MEMBERS].next(String(performance.now()));
    sent += 1;
  }, 20);

  console.log('| | messages | p50 | p99 | max | |\n| --- | --: | --: | --: | --: | --- |');
  const row = (phase, more = '') => {
    const sorted = latencies.sort((a, b) => a - b);
    const at = (q) =>
      `${(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN).toFixed(1)} ms`;
    console.log(`| ${phase} | ${sorted.length} | ${at(0.5)} | ${at(0.99)} | ${at(1)} | ${more} |`);
    latencies = [];
  };
  const quiet = async (phase) => {
    latencies = [];
    await wait(SECONDS * 500);
    row(phase);
  };

  await quiet('before');
  for (const press of Object.keys(PRESSES)) {
    const child = fork(new URL(import.meta.url), [
      '--press',
      press,
      '--port',
      String(port),
      ...process.argv.slice(2),
    ]);
    const all = async () => {
      const [{ ms, busy }] = await once(child, 'message');
      return `all ${CLIENTS} in after ${(ms / 1000).toFixed(1)} s, ${busy} times told busy`;
    };
    const atMost = (done) => Promise.race([done, wait(180_000, 'NOT ALL IN after 180 s', { ref: false })]);
    latencies = [];
    if (press === 'storm') {
      row('coming', await atMost(all()));
      child.send('cut');
    }
    const outcome = await (press === 'storm'
      ? atMost(all())
      : wait(SECONDS * 1000, `${HALF_OPEN} connections`));
    row(press, outcome);
    child.kill();
    await once(child, 'exit');
    await wait(2000);
    await quiet(`after ${press}`);
  }
  clearInterval(talking);
  await wait(1000);
  const due = sent * MEMBERS;
  console.log(
    `\n${due} messages were due, ${heard} were heard; members were cut off or lost entries ${lost} times`,
  );
  relay.kill();
  process.exit(due === heard && lost === 0 ? 0 : 1);
}
