import { afterEach, expect, test } from '@jest/globals';
import { rxchat, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { connectRaw, joinRaw } from './support/rawClient.js';
import { newRoom } from './support/relay.js';

afterEach(cleanUp);

const serve = async (...flags: readonly string[]) => {
  const child = rxchat(['serve', '--port', '0', '--memory', ...flags], { env: { RXCHAT_HOME: tempDir() } });
  const [, port] = await child.out.until(({ text }) => /^listening on \S+:(\d+)$/m.exec(text));
  return { child, port: Number(port) };
};

/** Connects as a health check or a scanner does, many times. */
const probe = async (port: number): Promise<void> => {
  for (let n = 0; n < 120; n += 1) {
    const peer = await connectRaw(port);
    if (n % 2 === 0) peer.socket.end();
    else peer.writeLines('GET / HTTP/1.1', '');
    await peer.closed;
  }
};

test.each([
  { flags: [], most: 0 },
  // The burst, and what is due at the end.
  { flags: ['--log-level', 'info'], most: 51 },
])('probes and scans write at most $most lines with $flags', async ({ flags, most }) => {
  const { child, port } = await serve(...flags);
  await probe(port);
  child.signal('SIGTERM');
  expect(await child.exit).toBe(0);
  const logged = child.err.lines.filter((line) => line.startsWith('{'));
  expect(logged.length).toBeLessThanOrEqual(most);
  const count = logged.reduce((sum, line) => {
    const { unmentioned = 0 } = JSON.parse(line) as { readonly unmentioned?: number };
    return sum + 1 + unmentioned;
  }, 0);
  expect(count).toBe(most === 0 ? 0 : 120);
});

test('--log-format pretty writes one line per entry for people', async () => {
  const { child, port } = await serve('--log-level', 'info', '--log-format', 'pretty');
  await joinRaw(newRoom(port), 'alice');
  await child.err.until(({ text }) =>
    /^\d{4}-\d\d-\d\dT[\d:.]+Z INFO {2}joined nick=alice room=\S{43} peer=127\.0\.0\.1:\d+ members=1 from=\d+$/m.exec(
      text,
    ),
  );
});
