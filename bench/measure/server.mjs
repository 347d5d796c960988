/** Starts a server for one run, on a port of its own, and ends it by its process id. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { onCore } from './cores.mjs';

/** Returns a port that nobody listens on. */
export const freePort = async () => {
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

const START_SECONDS = 10;

/**
 * Starts the peer's server, on a core if one is given. Resolves with `{ pid, port, end }` when it accepts connections.
 * `end` kills it and removes its directory.
 */
export const startServer = async (peer, { directory, work, core, startSeconds = START_SECONDS }) => {
  const port = await freePort();
  const own = mkdtempSync(join(directory, 'server-'));
  const command = peer.command({ port, directory: own, work, tools: directory });
  const [program, args] = core === undefined ? [command[0], command.slice(1)] : onCore(core, command);
  const server = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: own });
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  let ended = false;
  server.stderr.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-2000)));
  const exit = once(server, 'exit').then(() => (ended = true));
  const end = async () => {
    kill();
    process.off('exit', kill);
    await exit;
    rmSync(own, { recursive: true, force: true });
  };
  try {
    for (const giveUp = performance.now() + startSeconds * 1000; !(await answers(port));) {
      if (ended || performance.now() > giveUp)
        throw new Error(`${peer.name} did not start: ${output.trim()}`);
      await wait(50);
    }
    await peer.prepare?.({ port });
  } catch (error) {
    await end();
    throw error;
  }
  return { pid: server.pid, port, end };
};

/** Calls `use` with `{ pid, port }` while the peer's server runs. */
export const withServer = async (peer, where, use) => {
  const server = await startServer(peer, where);
  try {
    return await use(server);
  } finally {
    await server.end();
  }
};
