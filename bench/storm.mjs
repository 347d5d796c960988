/**
 * Measures the latency of members' messages before, during and after a flood of connections by strangers. Prints a
 * table in Markdown. Members, strangers and relay are separate processes. Needs 20 000 file descriptors.
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
import { createInvite, joinRoom, tcpConnection } from '../dist/src/index.js';
import { ConnectionError } from '../dist/streams/index.js';

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

/** Keeps `count` connections open, and replaces each one that the relay closes. */
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
  // All clients are members, in rooms of ten. Then all connections are cut at once, and all clients reconnect.
  storm: (port) => {
    const invites = Array.from({ length: Math.ceil(CLIENTS / 10) }, () =>
      createInvite({ host: '127.0.0.1', port }),
    );
    const sockets = new Set();
    const connectTracked = (invite) =>
      new Observable((subscriber) => {
        const socket = connect({ host: invite.host, port: invite.port });
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        socket.once('error', (error) => subscriber.error(new ConnectionError(error.message)));
        socket.once('connect', () => {
          subscriber.next(tcpConnection(socket));
          subscriber.complete();
        });
      });
    const inside = new Set();
    const tally = { busy: 0, began: performance.now() };
    const enter = (n) =>
      NEVER.pipe(
        joinRoom(invites[n % invites.length], { nick: `n${n}`, connect: connectTracked }),
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
    // In steps, so that this process is not the bottleneck.
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
  const [line] = await once(createInterface({ input: relay.stdout }), 'line');
  const port = Number(/:(\d+)$/.exec(line)[1]);

  const invite = createInvite({ host: '127.0.0.1', port });
  let latencies = [];
  let received = 0;
  let lost = 0;
  const inputs = [];
  for (let n = 0; n < MEMBERS; n += 1) {
    const input$ = new Subject();
    inputs.push(input$);
    await new Promise((resolve, reject) => {
      input$.pipe(joinRoom(invite, { nick: `member${n}` })).subscribe({
        next: (event) => {
          if (event.type === 'welcome') resolve();
          if (event.type === 'offline' || event.type === 'gap') lost += 1;
          if (event.type !== 'message') return;
          received += 1;
          latencies.push(performance.now() - Number(event.lines?.[0] ?? event.text));
        },
        error: reject,
      });
    });
  }

  let sent = 0;
  const sending = setInterval(() => {
    inputs[sent % MEMBERS].next(String(performance.now()));
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
  clearInterval(sending);
  await wait(1000);
  const due = sent * MEMBERS;
  console.log(
    `\n${due} messages were due, ${received} were heard; members were cut off or lost entries ${lost} times`,
  );
  relay.kill();
  process.exit(due === received && lost === 0 ? 0 : 1);
}
