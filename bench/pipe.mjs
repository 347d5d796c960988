/**
 * Measures a pipe of `rxchat send`, a relay and `rxchat listen`. In turn with it, the same lines pass `openssl enc`,
 * TCP and `openssl enc -d`. That does not authenticate, order or store them. Prints medians in Markdown. Exits with 1
 * if a line is missing.
 *
 *   npm run bench:pipe -- [--lines N] [--rounds N]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { lines: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '5' } },
});
const lines = Number(values.lines);
const rounds = Number(values.rounds);
if (!(lines >= 1 && rounds >= 1)) throw new Error('--lines and --rounds need numbers from 1 on');

const bin = resolve(import.meta.dirname, '../dist/bin/rxchat.js');
const dir = mkdtempSync(join(tmpdir(), 'rxchat-pipe-'));
const input = join(dir, 'input');
const output = join(dir, 'output');
writeFileSync(input, Array.from({ length: lines }, (_, n) => `${n + 1}\n`).join(''));
const megabytes = statSync(input).size / 1e6;

const env = { ...process.env, XDG_STATE_HOME: join(dir, 'state'), XDG_DATA_HOME: join(dir, 'data') };
// Node 20 reads these certificates at every start, which is not part of the command.
delete env.NODE_EXTRA_CA_CERTS;

const start = (command, args, stdio) => {
  const child = spawn(command, args, { env, stdio });
  child.ended = once(child, 'close').then(([code, signal]) => {
    if (code !== 0 && signal === null) throw new Error(`${command} ${args[0]} ended with ${code}`);
  });
  return child;
};
const rxchat = (args, stdio) => start(process.execPath, [bin, ...args], stdio);

/** Calls `use` with open files, and closes them afterwards. */
const withFiles = async (use) => {
  const files = [openSync(input, 'r'), openSync(output, 'w')];
  try {
    await use(...files);
  } finally {
    for (const file of files) closeSync(file);
  }
};

// By default a connection may send 4 MiB per second. That is a policy, not the speed of the relay.
const unlimited = ['--bytes-per-second', '0', '--lines-per-second', '0'];

const throughRxchat = async (...store) => {
  const relay = rxchat(['serve', '--port', '0', ...unlimited, ...store], ['ignore', 'pipe', 'ignore']);
  const [banner] = await once(relay.stdout, 'data');
  const port = /:(\d+)\n/.exec(String(banner))[1];
  const invite = join(dir, 'invite');
  const file = openSync(invite, 'w');
  await rxchat(['invite', '--port', port], ['ignore', file, 'inherit']).ended;
  closeSync(file);
  await withFiles(async (from, to) => {
    const listen = rxchat(
      ['listen', '--invite-file', invite, '--after', '0', '-n', String(lines)],
      ['ignore', to, 'ignore'],
    );
    const send = rxchat(['send', '--invite-file', invite], [from, 'ignore', 'inherit']);
    await Promise.all([send.ended, listen.ended]);
  });
  relay.kill();
  await relay.ended;
};

const key = ['enc', '-aes-128-cbc', '-K', '00'.repeat(16), '-iv', '00'.repeat(16)];
const throughOpenssl = () =>
  withFiles(async (from, to) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.once('connection', (socket) => {
      server.close();
      socket.pipe(opens.stdin);
    });
    const opens = start('openssl', [...key, '-d'], ['pipe', to, 'inherit']);
    const seals = start('openssl', key, [from, 'pipe', 'inherit']);
    seals.stdout.pipe(connect(server.address().port, '127.0.0.1'));
    await Promise.all([seals.ended, opens.ended]);
  });

const ways = {
  'rxchat, history on disk': () => throughRxchat('--data', join(dir, 'history')),
  'rxchat, history in memory': () => throughRxchat('--memory', '--window', '1gib'),
  'openssl enc, TCP, openssl enc -d': throughOpenssl,
};
const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
try {
  for (let round = 0; round < rounds; round += 1)
    for (const [name, run] of Object.entries(ways)) {
      const began = performance.now();
      await run();
      times[name].push((performance.now() - began) / 1000);
      const arrived = readFileSync(output, 'latin1');
      const whole =
        arrived.split('\n').length - 1 === lines && new RegExp(`(^|\\W)${lines}\n$`).test(arrived);
      if (!whole) {
        console.error(`${name}: not all lines arrived`);
        process.exitCode = 1;
      }
    }
} finally {
  rmSync(dir, { recursive: true, force: true });
}

const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
const base = median(times['openssl enc, TCP, openssl enc -d']);
console.log(
  `${lines} lines, ${megabytes.toFixed(1)} MB; medians of ${rounds}, starts of all programs included\n`,
);
console.log('| way | s | lines/s | MB/s | times openssl |\n| --- | --: | --: | --: | --: |');
for (const [name, all] of Object.entries(times)) {
  const s = median(all);
  const cells = [s.toFixed(2), Math.round(lines / s), (megabytes / s).toFixed(1), (s / base).toFixed(1)];
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}
