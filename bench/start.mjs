/**
 * Measures how long the command takes to start, and to send a line to a relay, relative to `node -e 0`.
 *
 * All commands run in turn; prints medians of 20 runs (`--runs N`). CPU time is the figure to quote: other work on the
 * machine disturbs it least. `mosquitto_pub` runs too if it is installed. It is written in C, and signs, encrypts and
 * stores nothing.
 *
 *   npm run bench:start
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createInvite, formatInvite } from '../dist/src/index.js';
import { SERVER_CORE } from './measure/cores.mjs';
import { withServer } from './measure/server.mjs';
import { median } from './measure/statistics.mjs';
import { versionOf } from './peers/installed.mjs';
import { mosquitto } from './peers/mosquitto.mjs';
import { rxchat } from './peers/rxchat.mjs';

const { values: flags } = parseArgs({ options: { runs: { type: 'string', default: '20' } } });
const runs = Number(flags.runs);
const bin = resolve(import.meta.dirname, '../dist/bin/rxchat.js');
const directory = mkdtempSync(join(tmpdir(), 'rxchat-start-'));
const env = { ...process.env, RXCHAT_HOME: join(directory, 'home') };
// Node 20 reads these certificates at every start, which is not part of the command.
delete env.NODE_EXTRA_CA_CERTS;

const node = (...args) => [process.execPath, ...args];
const alone = {
  'node -e 0': node('-e', '0'),
  'rxchat --version': node(bin, '--version'),
  'rxchat --help': node(bin, '--help'),
  'rxchat invite': node(bin, 'invite'),
};

/** Prints the CPU time of a command in seconds, user and system, as the last line of standard error. */
const TIMED = 'TIMEFORMAT="%U %S"; time "$@"';

/** Runs all commands in turn, and returns the elapsed times and the CPU times in ms by name. */
const measure = (commands) => {
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, { elapsed: [], cpu: [] }]));
  for (let run = -1; run < runs; run += 1)
    for (const [name, command] of Object.entries(commands)) {
      const from = performance.now();
      const { status, stderr } = spawnSync('bash', ['-c', TIMED, 'bash', ...command], {
        env,
        encoding: 'utf8',
      });
      const elapsed = performance.now() - from;
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
      if (run < 0) continue;
      times[name].elapsed.push(elapsed);
      const [user, system] = stderr.trimEnd().split('\n').at(-1).split(' ').map(Number);
      times[name].cpu.push(1000 * (user + system));
    }
  return times;
};

const isInstalled = versionOf('mosquitto_pub', '--help') !== undefined && mosquitto.version() !== undefined;
if (!isInstalled) console.log('MISSING mosquitto_pub (apt-get install mosquitto mosquitto-clients)');
const place = { directory, work: {}, core: SERVER_CORE };
const times = await withServer(rxchat, place, ({ port }) => {
  env.RXCHAT_INVITE = formatInvite(createInvite({ host: '127.0.0.1', port }));
  const commands = { ...alone, 'rxchat send -m hello': node(bin, 'send', '-m', 'hello') };
  if (!isInstalled) return measure(commands);
  return withServer(mosquitto, place, (other) => {
    // QoS 1 waits for an acknowledgement, as `send` waits for a receipt.
    const words = ['-p', String(other.port), '-q', '1', '-t', 'room', '-m', 'hello'];
    return measure({ ...commands, mosquitto_pub: ['mosquitto_pub', ...words] });
  });
});
rmSync(directory, { recursive: true, force: true });

const base = times['node -e 0'];
/** Formats the median in ms with its range, and the ratio to the median of `node -e 0`. */
const format = (values, baseValues) => {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((ms) =>
    ms.toFixed(0).padStart(4),
  );
  return `${middle} ms (${least} to ${most})  ${(median(values) / median(baseValues)).toFixed(2)}x`;
};
for (const [name, { elapsed, cpu }] of Object.entries(times))
  console.log(`${name.padEnd(20)} CPU ${format(cpu, base.cpu)}   elapsed ${format(elapsed, base.elapsed)}`);
