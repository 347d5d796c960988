import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect } from '@jest/globals';
import { formatInvite } from '../../src/index.js';
import { PYTHON, withPython } from '../support/python.js';
import { withNats } from '../support/withNats.js';
import { type Child, rxchat, start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { createGroup, Person, stopPersons } from './support/person.js';
import { newRoom, startRelayWithoutProxy, viaPort } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { sharedByTests } from './support/sharedByTests.js';
import { startStore, storeFlags } from './support/sharedStore.js';
import { lineWith } from './support/streamOutput.js';

const test = withNats('clients at several relays are not tested');
const testWithPython = PYTHON === undefined ? withPython('no client in another language was run') : test;
afterEach(cleanUp);
afterEach(stopPersons);

const sharedRelays = sharedByTests(async () => {
  const store = await startStore();
  const flags = storeFlags(store);
  const [a, b] = await Promise.all([startRelayWithoutProxy(...flags), startRelayWithoutProxy(...flags)]);
  return { store, a, b };
});

const textsOf = ({ out }: Child) => out.lines.map((line) => (JSON.parse(line) as { text: string }).text);

test('a group room moves at a removal, and its members at all relays follow', async () => {
  const { a, b } = await sharedRelays();
  const [alice, bob, carol] = [new Person('alice'), new Person('bob'), new Person('carol')];
  const invite = await createGroup(alice, a);
  const atB = invite.replace(`:${a.port}/`, `:${b.port}/`);
  expect(atB).not.toBe(invite);
  await alice.enter(invite);
  await bob.enter(atB);
  const bobListens = bob.start('listen', [atB]);
  const carolListens = carol.start('listen', [atB]);
  await carolListens.err.until(lineWith('you joined with the invite; 3 members'));
  await bobListens.err.until(lineWith('joined with the invite; 3 members'));

  const inviteFile = join(alice.home, 'invite');
  writeFileSync(inviteFile, invite, { mode: 0o600 });
  expect(await alice.run('remove', ['bob', '--yes', '--invite-file', inviteFile])).toMatchObject({ code: 0 });
  expect(await bobListens.exit).toBe(11);
  await carolListens.err.until(lineWith('removed', '2 members; the room has another invite'));
  const sent = await alice.run('send', [invite, '-m', 'after the removal']);
  expect(sent.code).toBe(0);
  await carolListens.out.until(lineWith('alice: after the removal'));
});

test('listen --exec at a relay runs for each message that was sent at another', async () => {
  const { a, b } = await sharedRelays();
  const room = newRoom(a.port);
  for (const text of ['one', 'two'])
    expect((await runShared(['send', room.text, '--nick', 'bob', '-m', text])).code).toBe(0);
  const exec = 'read line; echo "got $line"';
  const listening = rxchat(['listen', viaPort(b.port, room).text, '--after', '0', '-n', '3', '--exec', exec]);
  await listening.out.until(lineWith('got two'));
  expect((await runShared(['send', room.text, '--nick', 'bob', '-m', 'three'])).code).toBe(0);
  expect(await listening.exit).toBe(0);
  expect(listening.out.lines).toStrictEqual(['got one', 'got two', 'got three']);
});

test('a client over WebSockets, as the page is, and one over TCP share a room at two relays', async () => {
  const { store, b } = await sharedRelays();
  const web = rxchat(['serve', '--port', '0', '--web', '--web-port', '0', ...storeFlags(store)]);
  const [, port] = await web.out.until(({ text }) => /^page on http:\/\/127\.0\.0\.1:(\d+)\/$/m.exec(text));
  const room = newRoom(b.port);
  const { host, secret } = room;
  const link = formatInvite({ host, secret, port: Number(port), web: 'http' });
  const listeners = [room.text, link].map((invite) =>
    rxchat(['listen', invite, '--json', '--after', '0', '-n', '2']),
  );
  expect((await runShared(['send', link, '-m', 'from the page'])).code).toBe(0);
  expect((await runShared(['send', room.text, '-m', 'from a terminal'])).code).toBe(0);
  for (const listener of listeners) {
    expect(await listener.exit).toBe(0);
    expect(textsOf(listener)).toStrictEqual(['from the page', 'from a terminal']);
  }
});

testWithPython('the client in Python and rxchat share a room at two relays', async () => {
  const { a, b } = await sharedRelays();
  const room = newRoom(a.port);
  const listener = rxchat(['listen', viaPort(b.port, room).text, '--json', '--after', '0', '-n', '2']);
  const script = fileURLToPath(new URL('../../examples/python/chat.py', import.meta.url));
  const python = start(PYTHON ?? 'python3', [script, 'piet', '0'], {
    env: { RXCHAT_INVITE: room.text, PYTHONUTF8: '1', PYTHONDONTWRITEBYTECODE: '1' },
    input: 'one\ntwo',
  });
  expect(await python.exit).toBe(0);
  expect(await listener.exit).toBe(0);
  expect(textsOf(listener)).toStrictEqual(['one', 'two']);
});
