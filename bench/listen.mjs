/**
 * Measures the peak memory of `rxchat listen --after 0 --json` with a slow reader. RXCHAT_PIPE_LINES is the number of
 * lines (default 5 000 000).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

const LINES = Number(process.env.RXCHAT_PIPE_LINES ?? 5_000_000);
/** Pause of the reader in ms after each chunk of at most 64 KiB. */
const PAUSE_MS = 2;
const RXCHAT = fileURLToPath(new URL('../dist/bin/rxchat.js', import.meta.url));

const home = mkdtempSync(join(tmpdir(), 'rxchat-bench-'));
const env = { ...process.env, RXCHAT_HOME: home };
const start = (args, stdio) => spawn(process.execPath, [RXCHAT, ...args], { env, stdio });

const relay = start(['serve', '--port', '0', '--keep-bytes', '1GiB'], ['ignore', 'pipe', 'inherit']);
try {
  const [line] = await once(createInterface({ input: relay.stdout }), 'line');
  const port = /:(\d+)$/.exec(line)[1];
  const invite = start(['invite', '--port', port], ['ignore', 'pipe', 'inherit']);
  const [room] = await once(createInterface({ input: invite.stdout }), 'line');

  const send = start(['send', room, '--no-progress'], ['pipe', 'ignore', 'inherit']);
  const seq = spawn('seq', [String(LINES)], { stdio: ['ignore', 'pipe', 'inherit'] });
  seq.stdout.pipe(send.stdin);
  const [code] = await once(send, 'exit');
  if (code !== 0) throw new Error(`send ended with ${code}`);

  const began = performance.now();
  const listen = start(
    ['listen', room, '--after', '0', '--json', '-n', String(LINES)],
    ['ignore', 'pipe', 'inherit'],
  );
  const exit = once(listen, 'exit');
  let lines = 0;
  let peakMiB = 0;
  for await (const chunk of listen.stdout) {
    for (const byte of chunk) if (byte === 10) lines += 1;
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${listen.pid}/status`, 'utf8'));
    if (peak !== null) peakMiB = Number(peak[1]) / 1024;
    await delay(PAUSE_MS);
  }
  await exit;
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `${lines} lines in ${seconds.toFixed(0)} s; peak resident memory ${peakMiB.toFixed(0)} MiB; load ${loadavg()[0].toFixed(1)}`,
  );
  if (lines !== LINES) process.exitCode = 1;
} finally {
  relay.kill();
  await once(relay, 'exit');
  rmSync(home, { recursive: true, force: true });
}
