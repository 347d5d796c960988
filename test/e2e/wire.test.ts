import { afterEach, expect, test } from '@jest/globals';
import { rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { connectRaw, entriesOf, fakeToken, joinRaw, nonceOf } from './support/rawClient.js';
import { newRoom, startRelay } from './support/relay.js';
import { lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

test('the relay speaks first and asks for a nick with a fresh nonce', async () => {
  const relay = await startRelay();
  const [one, two] = await Promise.all([connectRaw(relay.port), connectRaw(relay.port)]);
  const nonces = [await nonceOf(one), await nonceOf(two)];
  expect(one.output.text).toMatch(/^NICK rxchat\/1 nonce=[\w-]{43} features=owner,ancestors,hash\n$/);
  expect(nonces[0]).not.toBe(nonces[1]);
});

test('the relay announces each join and leave to all others in plaintext', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const [alice, bob] = await Promise.all([joinRaw(room, 'alice'), joinRaw(room, 'bob')]);

  const carol = rxchat(['join', room.text, '--nick', 'carol']);
  // Joins within one second are announced on one line.
  for (const { output } of [alice, bob])
    await output.until(({ lines }) => lines.find((each) => /^\+(\S+,)?carol(,\S+)?$/.test(each)));
  carol.signal('SIGTERM');
  for (const { output } of [alice, bob]) await output.until(lineWith('-carol'));
});

test('the relay answers the nick with WELCOME: the members, the log and its start', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  await joinRaw(room, 'alice');
  const bob = await joinRaw(room, 'bob');
  expect(bob.output.lines[1]).toMatch(
    /^WELCOME log=[\w-]+ next=2 first=1 from=2 durability=disk count=2 members=alice,bob$/,
  );
});

test('the relay sends a token to every member including its sender, byte for byte', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const peers = await Promise.all(['alice', 'bob', 'carol'].map((nick) => joinRaw(room, nick)));
  const tokens = [100, 1000, 10_000, 65_000].map((size) => fakeToken(size));
  const [alice] = peers;
  alice?.writeLines(...tokens);
  for (const peer of peers) {
    await peer.output.until(lineWith(tokens.at(-1) ?? ''));
    expect(entriesOf(peer).filter((entry) => entry.startsWith('g'))).toStrictEqual(tokens);
  }
});

test('the relay does not deliver messages of one room to another', async () => {
  const relay = await startRelay();
  const [one, two] = [newRoom(relay.port), newRoom(relay.port)];
  const [alice, bob, carol] = await Promise.all([
    joinRaw(one, 'alice'),
    joinRaw(one, 'bob'),
    joinRaw(two, 'alice'),
  ]);
  const [first, second] = [fakeToken(), fakeToken()];
  alice.writeLines(first);
  await bob.output.until(lineWith(first));
  carol.writeLines(second);
  await carol.output.until(lineWith(second));
  expect(entriesOf(carol)).toStrictEqual(['+alice', second]);
});

test('two hundred clients that join at once and all talk receive the same messages in the same order', async () => {
  const MEMBERS = 200;
  // Raw peers do not come back after `BYE busy`, as clients do, so each message is sent once.
  const relay = await startRelay('--joins-per-second', '0');
  const room = newRoom(relay.port);
  const nicks = Array.from({ length: MEMBERS }, (_, i) => `n${i}`);
  const peers = await Promise.all(nicks.map((nick) => joinRaw(room, nick, { after: { log: '*', n: 0 } })));
  peers.forEach((peer) => peer.writeLines(fakeToken()));

  const tokens = peers.map(async ({ output }) => {
    const isToken = (each: string) => each.startsWith('g');
    await output.until(({ lines }) => lines.filter(isToken).length === MEMBERS);
    return output.lines.filter(isToken);
  });
  const [first, ...others] = await Promise.all(tokens);
  expect(new Set(first).size).toBe(MEMBERS);
  for (const other of others) expect(other).toStrictEqual(first);
});

test('the relay answers a PING with the last position that was sent before', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const peer = await joinRaw(room, 'alice');
  const token = fakeToken();
  peer.writeLines(token);
  await peer.output.until(lineWith(token));
  peer.writeLines('PING 0');
  // `+alice` is position 1, the token 2.
  expect(await peer.output.until(lineWith('PONG'))).toBe('PONG 2');
});
