import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { PYTHON, withPython } from '../support/python.js';
import { type Child, start, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { type Relay, startRelay } from './support/relay.js';
import { lineWith } from './support/streamOutput.js';

const test = withPython('no group room was tested with a client in another language');
const SCRIPT = fileURLToPath(new URL('../../examples/python/groupchat.py', import.meta.url));

let dir = '';
let relay: Relay;

beforeEach(async () => {
  dir = tempDir();
  relay = await startRelay();
});
afterEach(cleanUp);

const stateOf = (name: string): string => join(dir, `${name}.json`);

/** Starts the example. Without an invite it continues where its state file says. */
const chat = (mode: 'create' | 'join' | 'send', nick: string, invite?: string, input?: string): Child =>
  start(
    PYTHON ?? 'python3',
    [SCRIPT, mode, ...(mode === 'create' ? [`127.0.0.1:${relay.port}`] : []), nick, stateOf(nick)],
    {
      env: { PYTHONUTF8: '1', PYTHONDONTWRITEBYTECODE: '1', ...(invite && { RXCHAT_INVITE: invite }) },
      ...(input !== undefined && { input }),
    },
  );

/** Creates a room, and returns the creator and the invite. */
const create = async (nick: string): Promise<{ creator: Child; invite: string }> => {
  const creator = chat('create', nick);
  await creator.out.until(lineWith(',group='));
  return { creator, invite: creator.out.lines[0] ?? '' };
};

const isEpoch = (epoch: number) => lineWith(`chat: epoch ${epoch}:`);
/** The messages, without the prefixes of keys. */
const texts = ({ out }: Child): string[] =>
  out.lines.flatMap((line) => /^(\w+) \([\w-]{8}\)(.*)$/.exec(line)?.slice(1, 3).join('') ?? []);
const keyOf = (reader: Child, nick: string): string =>
  reader.out.lines.flatMap((line) => new RegExp(`^${nick} \\(([\\w-]{8})\\)`).exec(line)?.[1] ?? [])[0] ?? '';
const end = async (...clients: readonly Child[]): Promise<void> => {
  for (const client of clients) {
    client.endInput();
    expect(await client.exit).toBe(0);
  }
};

describe('a group room of Python clients written from docs/protocol.md', () => {
  test('lets a member in while all others are away, who then read and answer', async () => {
    const { creator, invite } = await create('alice');
    creator.writeInput('before bob\n');
    await creator.out.until(lineWith('before bob'));
    await end(creator);

    const bob = chat('join', 'bob', invite);
    await bob.err.until(isEpoch(1));
    bob.writeInput('hello, grüße\n');
    await bob.out.until(lineWith('grüße'));
    const alice = chat('join', 'alice');
    await alice.out.until(lineWith('grüße'));
    alice.writeInput('hello bob\n');
    await bob.out.until(lineWith('hello bob'));
    expect(await chat('send', 'carol', invite, 'one\ntwo\n').exit).toBe(0);
    for (const each of [alice, bob]) await each.out.until(lineWith('two'));

    const all = [
      'bob: hello, grüße',
      'alice: hello bob',
      'carol (not a member): one',
      'carol (not a member): two',
    ];
    expect(texts(alice)).toStrictEqual(all);
    expect(texts(bob)).toStrictEqual(all);
    await end(alice, bob);
    expect(alice.err.text + bob.err.text).not.toContain('counts for nobody');
  });

  test('moves when a person is removed, who reads nothing more; a member that was away follows', async () => {
    const { creator: alice, invite } = await create('alice');
    const bob = chat('join', 'bob', invite);
    await bob.err.until(isEpoch(1));
    const carol = chat('join', 'carol', invite);
    await carol.err.until(isEpoch(2));
    bob.writeInput('I am here\n');
    for (const each of [alice, carol]) await each.out.until(lineWith('I am here'));
    await end(carol);
    copyFileSync(stateOf('bob'), stateOf('copy'));

    alice.writeInput(`/remove ${keyOf(alice, 'bob')}\nwithout bob\n`);
    expect(await bob.exit).toBe(1);
    expect(bob.err.text).toMatch(/chat: [\w-]{8}\/python removed this device\n$/);
    await alice.out.until(lineWith('without bob'));
    const returned = chat('join', 'carol');
    await returned.out.until(lineWith('without bob'));
    returned.writeInput('I followed\n');
    await alice.out.until(lineWith('I followed'));

    // What bob has: his state of before the removal, and the invite.
    const copy = chat('join', 'copy');
    expect(await copy.exit).toBe(1);
    expect(copy.err.text).toMatch(/removed this device\n$/);
    const withInvite = chat('join', 'mallory', invite);
    expect(await withInvite.exit).toBe(1);
    expect(withInvite.err.text).toMatch(/this invite was withdrawn: ask somebody for the present one\n$/);
    for (const each of [bob, copy, withInvite]) expect(each.out.text).not.toContain('without bob');

    alice.writeInput('/invite\n');
    await alice.out.until(({ lines }) => lines.filter((line) => line.startsWith('rxchat://')).length === 2);
    const dave = chat('join', 'dave', alice.out.lines.at(-1));
    await dave.err.until(isEpoch(4));
    dave.writeInput('I am new\n');
    for (const each of [alice, returned]) await each.out.until(lineWith('I am new'));
    await end(alice, returned, dave);
  });

  test('renews, rotates and lets members leave, and continues after a crash', async () => {
    const { creator: alice, invite } = await create('alice');
    const bob = chat('join', 'bob', invite);
    await bob.err.until(isEpoch(1));
    const carol = chat('join', 'carol', invite);
    await carol.err.until(isEpoch(2));
    // Carol's join began the epoch, so bob need not wait.
    bob.writeInput('/renew\n');
    await carol.err.until(isEpoch(3));
    bob.writeInput('/renew\n');
    await bob.err.until(lineWith('not possible: the previous commit is too recent'));

    carol.writeInput('/leave\n');
    expect(await carol.exit).toBe(1);
    expect(carol.err.text).toMatch(/removed this device\n$/);
    for (const each of [alice, bob]) await each.err.until(isEpoch(4));
    bob.writeInput('before\n');
    await bob.out.until(lineWith('before'));
    bob.signal('SIGKILL');
    await bob.exit;
    alice.writeInput('/rotate\nafter\n');
    await alice.out.until(lineWith('after'));

    const again = chat('join', 'bob');
    await again.out.until(lineWith('after'));
    again.writeInput('back\n');
    for (const each of [alice, again]) await each.out.until(lineWith('back'));
    expect(texts(again).filter((each) => each !== 'bob: before')).toStrictEqual([
      'alice: after',
      'bob: back',
    ]);
    await end(alice, again);
  });

  test('removes nobody by a member without the right to do so', async () => {
    const { creator: alice, invite } = await create('alice');
    const bob = chat('join', 'bob', invite);
    await bob.err.until(isEpoch(1));
    alice.writeInput('mine\n');
    await bob.out.until(lineWith('mine'));
    bob.writeInput(`/remove ${keyOf(bob, 'alice')}\nstill here\n`);
    await bob.err.until(lineWith('not possible: no right to remove'));
    await alice.out.until(lineWith('still here'));
    await end(alice, bob);
  });
});
