import { randomBytes } from 'node:crypto';
import { afterEach, expect } from '@jest/globals';
import { toBase64url } from '../../streams/wire/index.js';
import { withNats } from '../support/withNats.js';
import { cleanUp } from './support/cleanup.js';
import { sharedByTests } from './support/sharedByTests.js';
import {
  connectRaw,
  entriesOf,
  fakeToken,
  helloFor,
  joinRaw,
  nonceOf,
  type RawClient,
} from './support/rawClient.js';
import { newRoom, type Relay, type Room, startRelayWithoutProxy, viaPort } from './support/relay.js';
import { startStore, storeFlags } from './support/sharedStore.js';
import { lineWith } from './support/streamOutput.js';

const test = withNats('rooms that two relays share are not tested');
afterEach(cleanUp);

const startTwoRelays = async () => {
  const flags = storeFlags(await startStore());
  const [a, b] = await Promise.all([startRelayWithoutProxy(...flags), startRelayWithoutProxy(...flags)]);
  return { flags, a, b };
};
const sharedRelays = sharedByTests(startTwoRelays);

/** A new room at both relays. */
const newRooms = async (relays: Promise<{ readonly a: Relay; readonly b: Relay }> = sharedRelays()) => {
  const { a, b } = await relays;
  const atA = newRoom(a.port);
  return { atA, atB: viaPort(b.port, atA) };
};

const newSession = () => toBase64url(randomBytes(16));

/** Sends a join, and resolves with the first answer of the relay: `WELCOME` or `ERR`. */
const tryJoin = async (room: Room, nick: string, session = newSession()) => {
  const client = await connectRaw(room.port);
  client.writeLines(helloFor(await nonceOf(client), room, nick, { session }));
  const answer = await client.output.until(({ lines }) => lines[1]);
  return { ...client, answer };
};

const joinFromStart = (room: Room, nick: string) => joinRaw(room, nick, { after: { log: '*', n: 0 } });

/** Returns a field of a client's `WELCOME`. */
const welcomeField = ({ output }: RawClient, field: string): string | undefined =>
  new RegExp(`^WELCOME .*\\b${field}=(\\S+)`, 'm').exec(output.text)?.[1];

const untilEntry = (client: RawClient, entry: string) =>
  client.output.until(() => entriesOf(client).includes(entry));

/** Resolves once all announcements before this join were delivered to a member. */
const untilAnnounced = async (member: RawClient, room: Room) => {
  const nick = `n${toBase64url(randomBytes(6)).replace(/\W/g, 'x')}`;
  const barrier = await joinRaw(room, nick);
  await untilEntry(member, `+${nick}`);
  return barrier;
};

test('a member at one relay is announced at the other, and counted there', async () => {
  const { atA, atB } = await newRooms();
  const watcher = await joinFromStart(atB, 'watcher');
  const alice = await joinRaw(atA, 'alice');
  await untilEntry(watcher, '+alice');
  expect([welcomeField(alice, 'count'), welcomeField(alice, 'members')]).toStrictEqual([
    '2',
    'watcher,alice',
  ]);
});

test('a nick of a member at one relay is refused at the other, whatever its case', async () => {
  const { atA, atB } = await newRooms();
  await joinRaw(atA, 'alice');
  expect((await tryJoin(atB, 'ALICE')).answer).toMatch(/^ERR nick-taken /);
});

test('lines that two relays accept at the same time have one order, the same at both', async () => {
  const { atA, atB } = await newRooms();
  const [watcherA, watcherB] = [await joinFromStart(atA, 'watcher-a'), await joinFromStart(atB, 'watcher-b')];
  const senders = await Promise.all([atA, atB, atA, atB].map((room, n) => joinRaw(room, `s${n}`)));
  const tokens = senders.map(() => Array.from({ length: 50 }, () => fakeToken()));
  for (let n = 0; n < 50; n += 1)
    for (const [k, sender] of senders.entries()) sender.writeLines(tokens[k]?.[n] ?? '');
  const tokensAt = (watcher: RawClient) => entriesOf(watcher).filter((entry) => entry.startsWith('g'));
  for (const watcher of [watcherA, watcherB])
    await watcher.output.until(() => tokensAt(watcher).length >= 200);
  expect(tokensAt(watcherA)).toHaveLength(200);
  expect(new Set(tokensAt(watcherA))).toStrictEqual(new Set(tokens.flat()));
  for (const sent of tokens)
    expect(tokensAt(watcherA).filter((entry) => sent.includes(entry))).toStrictEqual(sent);
  await Promise.all([untilAnnounced(watcherA, atB), untilAnnounced(watcherB, atA)]);
  const length = Math.min(entriesOf(watcherA).length, entriesOf(watcherB).length);
  expect(entriesOf(watcherB).slice(0, length)).toStrictEqual(entriesOf(watcherA).slice(0, length));
});

test('the session of a member takes over at the other relay, and nothing of the older connection follows', async () => {
  const { atA, atB } = await newRooms();
  const watcher = await joinFromStart(atB, 'watcher');
  const session = newSession();
  const older = await tryJoin(atA, 'alice', session);
  await untilEntry(watcher, '+alice');
  const before = entriesOf(watcher).length;
  const newer = await tryJoin(atB, 'alice', session);
  expect(newer.answer).toMatch(/^WELCOME /);
  await older.closed;
  older.writeLines(fakeToken());
  const last = fakeToken();
  newer.writeLines(last);
  await untilEntry(watcher, last);
  const barrier = await untilAnnounced(watcher, atA);
  expect(entriesOf(watcher).slice(before)).toStrictEqual([last, entriesOf(watcher).at(-1)]);
  expect(welcomeField(barrier, 'members')).toContain('alice');
});

test('a client resumes at the other relay after the last entry that it has', async () => {
  const { atA, atB } = await newRooms();
  const alice = await joinFromStart(atA, 'alice');
  const tokens = [fakeToken(), fakeToken(), fakeToken()];
  alice.writeLines(...tokens);
  await untilEntry(alice, tokens[2] ?? '');
  const received = entriesOf(alice);
  const log = welcomeField(alice, 'log') ?? '';
  const n = received.indexOf(tokens[0] ?? '') + 1;
  const reader = await joinRaw(atB, 'reader', { after: { log, n } });
  await untilEntry(reader, tokens[2] ?? '');
  expect([welcomeField(reader, 'log'), welcomeField(reader, 'from')]).toStrictEqual([log, String(n + 1)]);
  expect(entriesOf(reader).slice(0, 2)).toStrictEqual(tokens.slice(1));
});

test('a nick whose member is disconnected at one relay can be taken at the other, and both are announced', async () => {
  const { atA, atB } = await newRooms();
  const watcher = await joinFromStart(atA, 'watcher');
  const alice = await joinRaw(atB, 'alice');
  await untilEntry(watcher, '+alice');
  alice.socket.destroy();
  const { b } = await sharedRelays();
  await b.left('alice');
  expect((await tryJoin(atA, 'alice')).answer).toMatch(/^WELCOME /);
  await watcher.output.until(() => entriesOf(watcher).filter((entry) => entry === '+alice').length === 2);
  expect(entriesOf(watcher).filter((entry) => entry.endsWith('alice'))).toStrictEqual([
    '+alice',
    '-alice',
    '+alice',
  ]);
});

test('of eight joins of one session at both relays in one moment, one stays', async () => {
  const { atA, atB } = await newRooms();
  const watcher = await joinFromStart(atA, 'watcher');
  const session = newSession();
  const clients = await Promise.all(
    Array.from({ length: 8 }, (_, n) => tryJoin(n % 2 === 0 ? atA : atB, 'alice', session)),
  );
  const open = new Set(clients);
  for (const client of clients) void client.closed.then(() => open.delete(client));
  await Promise.race([Promise.all(clients.map(({ closed }) => closed)), untilOne(() => open.size)]);
  const barrier = await untilAnnounced(watcher, atB);
  expect(open.size).toBe(1);
  expect(welcomeField(barrier, 'count')).toBe('3');
});

test('of eight sessions that want one nick at both relays in one moment, one has it', async () => {
  const { atA, atB } = await newRooms();
  const clients = await Promise.all(
    Array.from({ length: 8 }, (_, n) => tryJoin(n % 2 === 0 ? atA : atB, 'alice')),
  );
  const answers = clients.map(({ answer }) =>
    answer
      .split(' ')
      .slice(0, answer.startsWith('ERR') ? 2 : 1)
      .join(' '),
  );
  expect(answers.sort()).toStrictEqual([...Array<string>(7).fill('ERR nick-taken'), 'WELCOME']);
});

test('a relay that stops sends BYE; only members that do not come back are announced, after the grace period', async () => {
  const { a, b } = await startTwoRelays();
  const { atA, atB } = await newRooms(Promise.resolve({ a, b }));
  const watcher = await joinFromStart(atB, 'watcher');
  const session = newSession();
  const alice = await tryJoin(atA, 'alice', session);
  const bob = await joinRaw(atA, 'bob');
  await untilEntry(watcher, '+alice');
  await untilEntry(watcher, '+bob');
  const before = entriesOf(watcher).length;
  a.child.signal('SIGTERM');
  for (const client of [alice, bob]) await client.output.until(lineWith('BYE shutdown'));
  expect(await a.child.exit).toBe(0);
  expect((await tryJoin(atB, 'alice', session)).answer).toMatch(/^WELCOME /);
  await untilEntry(watcher, '-bob');
  expect(entriesOf(watcher).slice(before)).toStrictEqual(['-bob']);
});

test('members of a relay that was killed are announced as gone', async () => {
  const { a, b } = await startTwoRelays();
  const { atA, atB } = await newRooms(Promise.resolve({ a, b }));
  const watcher = await joinFromStart(atB, 'watcher');
  await joinRaw(atA, 'alice');
  await untilEntry(watcher, '+alice');
  a.child.signal('SIGKILL');
  await untilEntry(watcher, '-alice');
  const newcomer = await joinRaw(atB, 'newcomer');
  expect(welcomeField(newcomer, 'members')).toBe('watcher,newcomer');
  expect(Number(welcomeField(newcomer, 'next'))).toBeGreaterThan(entriesOf(watcher).length);
});

/** Resolves once a count is 1. */
const untilOne = (count: () => number): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (count() <= 1) resolve();
      else setTimeout(look, 20);
    };
    look();
  });
