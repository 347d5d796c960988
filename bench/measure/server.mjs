/** Starts a server for one run, on a port of its own and on the first core, and ends it by its process id. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { onCore } from './cores.mjs';

const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
};

const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });

/** Calls `use` with `{ pid, port }` while the peer's server runs. */
export const withServer = async (peer, { directory, work, core }, use) => {
  const port = await freePort();
  const own = mkdtempSync(join(directory, 'server-'));
  const [program, args] = onCore(core, peer.command({ port, directory: own, work, tools: directory }));
  const server = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: own });
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  let ended = false;
  server.stderr.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-2000)));
  const end = once(server, 'exit').then(() => (ended = true));
  try {
    for (let tries = 0; !(await answers(port)); tries += 1) {
      if (ended || tries > 200) throw new Error(`${peer.name} did not start: ${output.trim()}`);
      await wait(50);
    }
    await peer.prepare?.({ port });
    return await use({ pid: server.pid, port });
  } finally {
    kill();
    process.off('exit', kill);
    await end;
    rmSync(own, { recursive: true, force: true });
  }
};
