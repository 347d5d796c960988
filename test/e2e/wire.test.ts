import { afterEach, expect, test } from '@jest/globals';
import { rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { connectPeer, entriesOf, fakeToken, joinPeer, nonceOf } from './support/peer.js';
import { newRoom, startRelay } from './support/relay.js';
import { line } from './support/said.js';

afterEach(endAll);

test('the relay speaks first: it asks for a nick, with a nonce that nobody was asked before', async () => {
  const relay = await startRelay();
  const [one, two] = await Promise.all([connectPeer(relay.port), connectPeer(relay.port)]);
  const nonces = [await nonceOf(one), await nonceOf(two)];
  expect(one.heard.text).toMatch(/^NICK rxchat\/1 nonce=[\w-]{43}\n$/);
  expect(nonces[0]).not.toBe(nonces[1]);
});

test('a command is announced in plaintext to all others when it comes and when it goes', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const [alice, bob] = await Promise.all([joinPeer(room, 'alice'), joinPeer(room, 'bob')]);

  const carol = rxchat(['join', room.text, '--nick', 'carol']);
  // Those who come within a second are announced in one line.
  for (const { heard } of [alice, bob])
    await heard.until(({ lines }) => lines.find((each) => /^\+(\S+,)?carol(,\S+)?$/.test(each)));
  carol.signal('SIGTERM');
  for (const { heard } of [alice, bob]) await heard.until(line('-carol'));
});

test('the answer to the nick is a welcome that says who is here, in which log, and where it begins', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  await joinPeer(room, 'alice');
  const bob = await joinPeer(room, 'bob');
  expect(bob.heard.lines[1]).toMatch(
    /^WELCOME log=[\w-]+ next=2 first=1 from=2 durability=disk count=2 members=alice,bob$/,
  );
});

test('a token reaches every member, its sender too, byte for byte', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const peers = await Promise.all(['alice', 'bob', 'carol'].map((nick) => joinPeer(room, nick)));
  const tokens = [100, 1000, 10_000, 65_000].map((size) => fakeToken(size));
  const [alice] = peers;
  alice?.say(...tokens);
  for (const peer of peers) {
    await peer.heard.until(line(tokens.at(-1) ?? ''));
    expect(entriesOf(peer).filter((entry) => entry.startsWith('g'))).toStrictEqual(tokens);
  }
});

test('what is said in one room is not heard in another', async () => {
  const relay = await startRelay();
  const [one, two] = [newRoom(relay.port), newRoom(relay.port)];
  const [alice, bob, carol] = await Promise.all([
    joinPeer(one, 'alice'),
    joinPeer(one, 'bob'),
    joinPeer(two, 'alice'),
  ]);
  const [first, second] = [fakeToken(), fakeToken()];
  alice.say(first);
  await bob.heard.until(line(first));
  carol.say(second);
  await carol.heard.until(line(second));
  expect(entriesOf(carol)).toStrictEqual(['+alice', second]);
});

test('two hundred clients come at once, all talk, and all hear the same in the same order', async () => {
  const MEMBERS = 200;
  // These say each thing once: a peer in the raw does not come back after `BYE busy`, as ours do.
  const relay = await startRelay('--joins-per-second', '0');
  const room = newRoom(relay.port);
  const nicks = Array.from({ length: MEMBERS }, (_, i) => `n${i}`);
  const peers = await Promise.all(nicks.map((nick) => joinPeer(room, nick, { after: { log: '*', n: 0 } })));
  peers.forEach((peer) => peer.say(fakeToken()));

  const tokens = peers.map(async ({ heard }) => {
    const isToken = (each: string) => each.startsWith('g');
    await heard.until(({ lines }) => lines.filter(isToken).length === MEMBERS);
    return heard.lines.filter(isToken);
  });
  const [first, ...others] = await Promise.all(tokens);
  expect(new Set(first).size).toBe(MEMBERS);
  for (const other of others) expect(other).toStrictEqual(first);
});

test('a ping is answered with the last position that was sent before', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const peer = await joinPeer(room, 'alice');
  const token = fakeToken();
  peer.say(token);
  await peer.heard.until(line(token));
  peer.say('PING 0');
  // `+alice` is position 1, the token 2.
  expect(await peer.heard.until(line('PONG'))).toBe('PONG 2');
});
