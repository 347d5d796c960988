import { afterEach, expect, test } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseInvite } from '../../src/index.js';
import { bytesRead, tempDir, run, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { type ChunkHandler, startProxy } from './support/proxy.js';
import { newRoom, startRelay, viaPort } from './support/relay.js';
import { lineCount, lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const roomWith = async (input: string) => {
  const relay = await startRelay();
  const room = newRoom(relay.port).text;
  expect((await run(['send', room, '--nick', 'bob'], { input })).code).toBe(0);
  return { relay, room };
};

test('listen --exec passes each message to the command, one after the other and in order', async () => {
  const { room } = await roomWith('one\ntwo\nthree\n');
  const exec = 'read line; echo "begin $line $RXCHAT_MESSAGE_NICK $RXCHAT_MESSAGE_INDEX"; echo "end $line"';
  const ran = await run(['listen', room, '--after', '0', '-n', '3', '--exec', exec]);
  expect(ran.code).toBe(0);
  const [index] = /(?<=begin one bob )\d/.exec(ran.out) ?? [];
  expect(index).toBe('0');
  expect(ran.out.replaceAll(/ bob \d/g, '')).toBe(
    'begin one\nend one\nbegin two\nend two\nbegin three\nend three\n',
  );
});

test('listen --exec never makes a message part of the command', async () => {
  const marker = join(tempDir(), 'pwned');
  const evil = `$(touch ${marker}) \`touch ${marker}\` '; touch ${marker} #" && touch ${marker}`;
  const { room } = await roomWith(`${evil}\n`);
  const plain = await run(['listen', room, '--after', '0', '-n', '1', '--exec', 'cat']);
  expect(plain).toMatchObject({ code: 0, out: `${evil}\n` });
  const json = await run(['listen', room, '--json', '--after', '0', '-n', '1', '--exec', 'cat']);
  expect(JSON.parse(json.out)).toMatchObject({ v: 1, type: 'message', text: evil });
  expect(existsSync(marker)).toBe(false);
});

test.each([
  ['with tabs', 'all: a.o\n\tcc -o all a.o\n\n\tstrip all\n'],
  ['with line ends of Windows', '--- a/x.bat\r\n+\techo\r\n \r\n'],
])('send --block and listen --exec keep a text exactly: %s', async (_, text) => {
  const got = join(tempDir(), 'got');
  const relay = await startRelay();
  const room = newRoom(relay.port).text;
  expect((await run(['send', room, '--block'], { input: text })).code).toBe(0);
  const ran = await run(['listen', room, '--after', '0', '-n', '1', '--exec', `cat > ${got}`]);
  expect(ran.code).toBe(0);
  expect(readFileSync(got, 'utf8')).toBe(text);
});

test('listen --exec acknowledges a message when its command exits 0, and otherwise reports the exit and repeats the message', async () => {
  const { room } = await roomWith('one\ntwo\nthree\n');
  const file = join(tempDir(), 'cursor');
  const args = ['listen', room, '--after', '0', '--cursor-file', file, '-n', '3', '--exec'];
  const failed = await run([...args, 'read line; echo $line; test $line != two']);
  expect([failed.code, failed.out]).toStrictEqual([1, 'one\ntwo\n']);
  expect(failed.err).toMatch(/^rxchat: --exec ended with 1 for the message at position \d+$/m);
  const again = await run([...args.slice(0, -3), '-n', '2', '--exec', 'cat']);
  expect(again).toMatchObject({ code: 0, out: 'two\nthree\n' });
});

test('listen --exec continues with a command that reads nothing, or that does not exist', async () => {
  const { room } = await roomWith(`${'x'.repeat(30_000)}\n`);
  const args = ['listen', room, '--after', '0', '-n', '1', '--exec'];
  expect(await run([...args, 'true'])).toMatchObject({ code: 0, out: '' });
  const missing = await run([...args, '/nonexistent/command']);
  expect(missing.code).toBe(1);
  expect(missing.err).toMatch(/^rxchat: --exec ended with 127 for the message at position \d+$/m);
});

test('listen --exec does not read from the relay while a command is slow, and keeps the connection', async () => {
  const { relay, room } = await roomWith('first\n');
  const barrier = join(tempDir(), 'gate');
  const exec = `until test -e ${barrier}; do sleep 0.05; done; read line; echo "\${line%% *}"`;
  let pongs = 0;
  let onPong = (): void => undefined;
  const up = (): ChunkHandler => (chunk, on) => {
    pongs += chunk.toString('latin1').match(/^PONG /gm)?.length ?? 0;
    onPong();
    on(chunk);
  };
  const behind = viaPort(await startProxy(relay.port, { up }), { ...parseInvite(room), text: room });
  const flags = ['--after', '0', '--heartbeat', '2s', '--nick', 'ear'];
  const listener = rxchat(['listen', behind.text, ...flags, '--exec', exec]);
  await relay.joined('ear');
  const before = bytesRead(listener.pid);
  const input = Array.from({ length: 4000 }, (_, i) => `${i} ${'x'.repeat(2000)}\n`).join('');
  expect((await run(['send', room], { input })).code).toBe(0);
  // An unblocked listener has read everything meanwhile.
  expect((await run(['listen', room, '--after', '0', '-n', '4001'])).code).toBe(0);
  // The queue of 64 messages of 4 KiB and one socket read of 64 KiB, of more than 10 MB in all.
  expect(bytesRead(listener.pid) - before).toBeLessThan(500_000);
  // It sends a PONG after each heartbeat without reading. If these counted as silence, it would reconnect after two.
  pongs = 0;
  await new Promise<void>((resolve) => {
    onPong = () => {
      if (pongs >= 3) resolve();
    };
  });
  writeFileSync(barrier, '');
  await listener.out.until(lineCount(200));
  expect(listener.out.lines.slice(0, 4)).toStrictEqual(['first', '0', '1', '2']);
  expect(listener.err.text).not.toMatch(/offline/);
  expect(relay.child.err.text).not.toMatch(/"nick":"ear".*"msg":"left"/);
  listener.signal('SIGTERM');
  expect(await listener.exit).toBe(143);
});

test('listen --exec ends a running command when listen ends', async () => {
  const { room } = await roomWith('one\n');
  const listener = rxchat(['listen', room, '--after', '0', '--exec', 'echo $$; exec sleep 1000']);
  const pid = Number(await listener.out.until(lineWith('')));
  listener.signal('SIGTERM');
  // It shares the standard output, whose end is awaited.
  expect(await listener.exit).toBe(143);
  expect(() => process.kill(pid, 0)).toThrow();
});
