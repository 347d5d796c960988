/**
 * How long the command takes to start, and to say one line to a relay, as ratios to `node -e 0`: all in turn, medians of 20
 * runs. Beside that `mosquitto_pub`, where it is installed, to its own server: in C, and nothing is signed, sealed or stored.
 *
 *   npm run bench:start
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInvite, formatInvite } from '../dist/src/index.js';
import { SERVER_CORE } from './measure/cores.mjs';
import { withServer } from './measure/server.mjs';
import { median } from './measure/statistics.mjs';
import { versionOf } from './peers/installed.mjs';
import { mosquitto } from './peers/mosquitto.mjs';
import { rxchat } from './peers/rxchat.mjs';

const RUNS = 20;
const bin = resolve(import.meta.dirname, '../dist/bin/rxchat.js');
const directory = mkdtempSync(join(tmpdir(), 'rxchat-start-'));
const env = { ...process.env, RXCHAT_HOME: join(directory, 'home') };
// Read at every start by Node 20, and no part of what is measured.
delete env.NODE_EXTRA_CA_CERTS;

const node = (...args) => [process.execPath, ...args];
const alone = {
  'node -e 0': node('-e', '0'),
  'rxchat --version': node(bin, '--version'),
  'rxchat --help': node(bin, '--help'),
  'rxchat invite': node(bin, 'invite'),
};

/** Runs all of them in turn; ms by name. */
const measure = (commands) => {
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let run = -1; run < RUNS; run += 1)
    for (const [name, [program, ...args]] of Object.entries(commands)) {
      const from = performance.now();
      const { status } = spawnSync(program, args, { env });
      if (status !== 0) throw new Error(`${name} ended with ${status}`);
      if (run >= 0) times[name].push(performance.now() - from);
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
    // With an acknowledgement, as a receipt is one.
    const words = ['-p', String(other.port), '-q', '1', '-t', 'room', '-m', 'hello'];
    return measure({ ...commands, mosquitto_pub: ['mosquitto_pub', ...words] });
  });
});
rmSync(directory, { recursive: true, force: true });

const base = median(times['node -e 0']);
for (const [name, values] of Object.entries(times)) {
  const of = (ms) => ms.toFixed(0).padStart(4);
  console.log(
    `${name.padEnd(20)} median ${of(median(values))} ms  (${of(Math.min(...values))} to ${of(Math.max(...values))})  ${(median(values) / base).toFixed(2)}x`,
  );
}
