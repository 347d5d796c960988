import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { copyFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Child, rxchat, start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import {
  compile,
  EXAMPLES,
  installExamples,
  tempProject,
  pack,
  type TempProject,
} from './support/packageFixture.js';
import { newRoom, type Room, startRelay } from './support/relay.js';
import { lineCount, lineWith } from './support/streamOutput.js';

let tarball: TempProject;
let examples: TempProject;

beforeAll(async () => {
  tarball = tempProject();
  examples = await installExamples(await pack(tarball.path));
  await compile(examples.path);
});
afterAll(() => {
  tarball.remove();
  examples.remove();
});
afterEach(cleanUp);

const example = (path: string, room: Room | undefined, ...args: readonly string[]): Child =>
  start(process.execPath, [join(examples.path, path), ...args], {
    env: { ...(room === undefined ? { PORT: '0' } : { RXCHAT_INVITE: room.text }) },
  });

const send = (room: Room, text: string): Promise<number | NodeJS.Signals> =>
  rxchat(['send', room.text, '--nick', 'alice'], { input: `${text}\n` }).exit;

/** Sends a whole request at once, and returns the answer up to the end. */
const exchange = async (port: number, sent: string): Promise<string> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(sent);
  return text(socket);
};

describe('the examples, installed from the package,', () => {
  test('are all tested in this file', () => {
    expect(EXAMPLES.toSorted()).toStrictEqual(['angular', 'bot', 'dashboard', 'http-server']);
  });

  test('contain a bot that answers, reconnects to its relay, and leaves on SIGINT', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const bot = example('bot/main.js', room);
    await bot.out.until(lineWith('online'));
    const listener = rxchat(['listen', room.text, '--nick', 'ear', '-n', '4']);
    await relay.joined('ear');
    expect(await send(room, '!dice')).toBe(0);
    await listener.out.until(lineWith('bot: '));
    relay.child.signal('SIGTERM');
    await relay.child.exit;
    await bot.out.until(lineWith('offline'));
    const again = await relay.restart();
    await bot.out.until(({ lines }) => lines.filter((each) => each === 'online').length === 2);
    expect(await send(room, '!dice')).toBe(0);
    expect(await listener.exit).toBe(0);
    expect(listener.out.text).toMatch(/^alice: !dice\nbot: [1-6]\nalice: !dice\nbot: [1-6]\n$/);
    bot.signal('SIGINT');
    expect(await bot.exit).toBe(0);
    await again.left('bot');
    expect(bot.err.text).toBe('');
  });

  test('contain a relay in an HTTP server that still answers requests and other upgrades', async () => {
    const server = example('http-server/main.js', undefined);
    const [, port] = await server.out.until(({ text }) => /^listening on (\d+)\n/.exec(text));
    const room = newRoom(Number(port));
    const link = { ...room, text: room.text.replace('rxchat:', 'http:') };
    const member = example('http-server/client.js', link, 'one', 'two');
    expect(await member.exit).toBe(0);
    expect(member.out.lines).toStrictEqual(['stored at 2', 'stored at 3']);
    await server.out.until(lineCount(4));
    expect(server.out.lines.slice(1)).toStrictEqual(['joined guest', 'stored guest', 'stored guest']);
    expect(await send(link, 'by the command')).toBe(0);
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    expect(await answer.text()).toBe('this is the server that was here before\n');
    const other = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    expect(other.status).toBe(200);

    const upgrade = (path: string): string =>
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello`;
    expect(await exchange(Number(port), upgrade('/echo'))).toMatch(/^HTTP\/1.1 101 .*\r\n\r\nhello$/s);
    expect(await exchange(Number(port), upgrade('/else'))).toMatch(/^HTTP\/1.1 404 /);
    expect(server.running).toBe(true);
    expect(server.err.text).toBe('');
  });

  test('contain a dashboard with a room among its streams', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const dashboard = example('dashboard/main.js', room);
    await dashboard.out.until(({ text }) => /^online: 1 here, 0 a minute, load \d/m.test(text));
    expect(await send(room, 'hello')).toBe(0);
    await dashboard.out.until(({ text }) => /^online: \d here, 1 a minute, load \d/m.test(text));
  });

  describe('an Angular component', () => {
    const ZONE = 'node_modules/zone.js/fesm2015/zone-node.js';

    test.each([
      ['without zone.js', () => []],
      ['with zone.js', () => ['--import', pathToFileURL(join(examples.path, ZONE)).href]],
    ])('renders messages as text, %s', async (_name, flags) => {
      const relay = await startRelay();
      const room = newRoom(relay.port);
      const voice = rxchat(['send', room.text, '--nick', 'alice', '--tee'], { input: 'hello <b>\n' });
      expect(await voice.exit).toBe(0);
      const page = start(process.execPath, [...flags(), join(examples.path, 'angular/main.js')], {
        env: { RXCHAT_INVITE: room.text },
      });
      expect(await page.exit).toBe(0);
      expect(page.out.text).toMatch(/<p[^>]*>online, \d here<\/p>/);
      expect(page.out.text).toMatch(/<li[^>]*>alice: hello &lt;b&gt;<\/li>/);
      expect(page.err.text).toBe('');
    });

    // With zone.js each timer of a session would keep the application from becoming stable.
    test('becomes stable with zone.js while its session is open, and then renders messages', async () => {
      copyFileSync(
        fileURLToPath(new URL('support/zoneStable.mjs', import.meta.url)),
        join(examples.path, 'angular/zoneStable.mjs'),
      );
      const relay = await startRelay();
      const room = newRoom(relay.port);
      const app = example('angular/zoneStable.mjs', room);
      await app.out.until(lineWith('stable: online, 1 here'));
      expect(await send(room, 'hello')).toBe(0);
      await app.out.until(({ text }) => /^stable: online, \d here ?alice: hello$/m.test(text));
      expect(app.out.lines).toContain('hello: in the zone: true');
      expect(app.running).toBe(true);
      app.signal('SIGTERM');
      await app.exit;
    });
  });
});
