import { afterEach, expect, jest, test as always } from '@jest/globals';
import { withNats } from '../support/withNats.js';
import { type Child, run, rxchat, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { buildEarlierVersion, hasEarlierVersion } from './support/earlierVersion.js';
import { newRoom, type Room, viaPort } from './support/relay.js';
import { sharedByTests } from './support/sharedByTests.js';
import { startStore, storeFlags } from './support/sharedStore.js';

const hasEarlier = hasEarlierVersion();
if (!hasEarlier)
  console.warn(
    'SKIPPED: the repository lacks the earlier version, so versions are not tested beside each other',
  );
const test = hasEarlier ? always : always.skip;
const testWithNats = hasEarlier ? withNats('relays of two versions are not tested') : always.skip;
afterEach(cleanUp);

// It compiles the earlier version once.
jest.setTimeout(240_000);
const earlier = sharedByTests(() => Promise.resolve(buildEarlierVersion()));

/** Starts a relay of a version. Resolves with its process and port once it listens. */
const serve = async (launcher: string | undefined, port: number, ...flags: readonly string[]) => {
  const child = rxchat(['serve', '--port', String(port), ...flags], { launcher });
  const [, bound] = await child.out.until(({ text }) => /^listening on 127\.0\.0\.1:(\d+)\n/.exec(text));
  return { child, port: Number(bound) };
};

const end = async (child: Child) => {
  child.signal('SIGTERM');
  expect(await child.exit).toBe(0);
};

/** Sends a message with a version of the command. */
const send = async (launcher: string | undefined, room: Room, text: string) => {
  const args = ['send', room.text, '--nick', 'sender', '-m', text];
  expect(await run(args, { launcher })).toMatchObject({ code: 0 });
};

const listen = (launcher: string | undefined, room: Room) =>
  rxchat(['listen', room.text, '--after', '0', '--nick', 'listener'], { launcher });

const hasTexts = (child: Child, ...texts: readonly string[]) =>
  child.out
    .until(({ lines }) => lines.length >= texts.length && lines)
    .then((lines) => {
      expect(lines.map((line) => line.split(': ')[1])).toStrictEqual(texts);
    });

testWithNats('relays of two versions share rooms while one after the other is upgraded', async () => {
  const launcher = await earlier();
  const store = await startStore();
  const flags = [...storeFlags(store)];
  const first = await serve(launcher, 0, ...flags);
  const second = await serve(launcher, 0, ...flags);
  const room = newRoom(first.port);
  const listeners = [listen(launcher, room), listen(undefined, viaPort(second.port, room))];
  await send(launcher, room, 'one');
  // A listener that has not joined yet would end with its relay.
  for (const each of listeners) await hasTexts(each, 'one');

  await end(second.child);
  const upgraded = await serve(undefined, second.port, ...flags);
  await send(launcher, viaPort(upgraded.port, room), 'two');
  await send(undefined, room, 'three');

  await end(first.child);
  await serve(undefined, first.port, ...flags);
  await send(launcher, room, 'four');
  for (const each of listeners) await hasTexts(each, 'one', 'two', 'three', 'four');
});

test.each([
  ['a relay of the earlier version serves clients of both', 'earlier', undefined],
  ['this relay serves clients of both', undefined, 'earlier'],
] as const)('%s', async (_, relayVersion, clientVersion) => {
  const launcher = await earlier();
  const [relay, client] = [relayVersion, clientVersion].map((version) => version && launcher);
  const { port } = await serve(relay, 0);
  const room = newRoom(port);
  const [mine, theirs] = [listen(undefined, room), listen(client, room)];
  await send(client, room, 'one');
  await send(undefined, room, 'two');
  for (const each of [mine, theirs]) await hasTexts(each, 'one', 'two');
});

test('this version continues a history of the earlier one', async () => {
  const launcher = await earlier();
  const data = ['--data', tempDir()];
  const before = await serve(launcher, 0, ...data);
  const room = newRoom(before.port);
  const listening = listen(launcher, room);
  await send(launcher, room, 'one');
  await hasTexts(listening, 'one');
  await end(before.child);
  await serve(undefined, before.port, ...data);
  await send(undefined, room, 'two');
  await hasTexts(listening, 'one', 'two');
});
