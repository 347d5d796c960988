/** Runs the load generator once. If the server is rxchat's, this module signs the joins. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { onCore, OWN_CORE, SERVER_CORE } from './cores.mjs';
import { makeRooms } from './rooms.mjs';

/**
 * Several servers that share the rooms have arrays of pids and ports. With the option `sleeps` the generator is not pinned.
 *
 * @param {ReturnType<typeof makeRooms>} room the same ones for two runs, where the second is to find what the first said
 * @returns {Promise<Record<string, unknown>>} what the generator prints, or `{ ok: false, fault }`
 */
export const generate = async (directory, { pid, port }, peer, options, room = makeRooms()) => {
  const flags = Object.entries({
    protocol: peer.protocol,
    port,
    pid,
    'server-core': SERVER_CORE,
    'own-core': OWN_CORE,
    ...(peer.concurrency && { concurrency: peer.concurrency }),
    ...options,
  }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const binary = join(directory, 'generator');
  const [program, args] = options.sleeps ? [binary, flags] : onCore(OWN_CORE, [binary, ...flags]);
  const generator = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const wire = generator.stdio[3];
  wire.on('error', () => undefined);
  // A generator that fails resets the pipe, and a reader of lines repeats the error.
  const requests = createInterface({ input: wire }).on('error', () => undefined);
  requests.on('line', (request) => {
    const [number, place, nonce] = request.split(' ');
    wire.write(`${number} ${room(place).hello(`n${number}`, nonce)}\n`);
  });
  const [out, err, [code]] = await Promise.all([
    text(generator.stdout),
    text(generator.stderr),
    once(generator, 'exit'),
  ]);
  return code === 0 ? JSON.parse(out) : { ok: false, fault: err.trim() || `generator ended with ${code}` };
};
