import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { joinRaw, seal, sealAs } from './support/rawClient.js';
import { newRoom, startRelay } from './support/relay.js';
import { hasTmux, openTerminal, type Terminal, type TerminalOptions } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux)
    console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about join in one');
});
afterEach(cleanUp);

const atRoom = async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const join = async (nick: string, flags: string[] = [], more: TerminalOptions = {}): Promise<Terminal> => {
    const terminal = await openTerminal(['join', room.text, '--nick', nick, ...flags], {
      columns: 60,
      ...more,
    });
    await terminal.waitFor(/you are in/);
    return terminal;
  };
  return { relay, room, join };
};

const enter = async (terminal: Terminal, text: string): Promise<void> => {
  await terminal.type(text);
  await terminal.press('Enter');
};

/** Keys differ in each run, and so do their colours. */
const normal = (screen: string): string =>
  `${screen
    .replaceAll(/\d\d:\d\d(?= )/g, '12:34')
    // eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
    .replaceAll(/\x1b\[38;5;\d+m/g, '<its colour>')
    .replaceAll('\x1b', '<esc>')}\n`;

const isGolden = (name: string, screen: string): void => {
  const file = new URL(`golden/${name}.txt`, import.meta.url);
  if (process.env['RXCHAT_GOLDEN'] === 'write') writeFileSync(file, normal(screen));
  expect(normal(screen)).toBe(readFileSync(file, 'utf8'));
};

describe('a conversation in the chat matches its golden screens:', () => {
  inTerminal.each([
    ['dark', { COLORFGBG: '15;0' }],
    ['light', { COLORFGBG: '0;15' }],
    ['no-colour', { NO_COLOR: '1' }],
  ])('%s', async (name, env) => {
    const { room, join } = await atRoom();
    const alice = await join('alice', [], { env });
    const bob = await joinRaw(room, 'bob');
    await alice.waitFor(/--> bob joined/);
    bob.writeLines(
      seal(bob, 'a text that is longer than the sixty columns of this screen: 日本語 👍🏽'),
      sealAs(bob, 'me', 'waves'),
      sealAs(bob, 'topic', 'tea'),
      seal(bob, 'one row\nand another'),
    );
    await alice.waitFor(/and another/);
    await enter(alice, '/me waves back');
    // The mark of a line without a receipt is gone.
    await alice.waitFor(/^\d\d:\d\d \* alice waves back\nalice>$/m);
    await enter(alice, '/jion');
    await alice.waitFor(/nothing was sent.*\nalice>$/s);
    const colours = await alice.colouredScreen();
    if (name === 'no-colour') expect(colours).not.toContain('\x1b');
    isGolden(`chat-${name}`, colours);
  });

  const withoutSeconds = (screen: string): string =>
    screen.replaceAll(/\d+ s\b/g, 'N s').replace(/offline: [^;]*;/, 'offline: why;');

  inTerminal('offline and back', async () => {
    const { relay, room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinRaw(room, 'bob');
    bob.writeLines(seal(bob, 'before'));
    await alice.waitFor(/bob: before/);
    relay.child.signal('SIGTERM');
    expect(await relay.child.exit).toBe(0);
    await enter(alice, 'are you there');
    await alice.type('half a thought');
    const away = await alice.waitFor(/offline: .*◌ .*offline \d+ s, retry in \d+ s\)> half a thought$/s);
    isGolden('offline', withoutSeconds(away));
    await relay.restart();
    const back = await alice.waitFor(
      /-- back after \d+ s\n\d\d:\d\d alice: are you there\nalice> half a thought$/,
    );
    isGolden('back', withoutSeconds(back));
  });

  inTerminal('a relay that does not answer, with its lag in the prompt', async () => {
    const { relay, join } = await atRoom();
    const alice = await join('alice');
    relay.child.signal('SIGSTOP');
    await enter(alice, 'are you there');
    await alice.waitFor(/^◌ .*alice: are you there\nalice \(lag \d+ s\)>$/m);
    relay.child.signal('SIGCONT');
    await alice.waitFor(/^\d\d:\d\d alice: are you there\nalice>$/m);
  });
});

describe('commands of the chat that others see', () => {
  inTerminal('/nick, /away and /topic', async () => {
    const { join } = await atRoom();
    const alice = await join('alice');
    const bob = await join('bob', [], { data: tempDir() });
    await enter(alice, 'hello');
    await bob.waitFor(/\?alice: hello$/m);
    await alice.waitFor(/^\d\d:\d\d alice: hello$/m);
    await enter(alice, '/nick bob');
    // The nick was announced already, or the relay has to announce it.
    await alice.waitFor(
      /^-- (?:the nick bob is already in use|cannot use the nick bob: the nick is taken in this room)$/m,
    );
    await enter(alice, '/nick ally');
    await alice.waitFor(/^-- you are now ally\nally>$/m);
    await enter(alice, 'it is me');
    await bob.waitFor(/^<-- alice left\n--> ally joined$/m);
    await bob.waitFor(
      /^-- ally has the same key as alice; it is the same person\n\d\d:\d\d \?ally: it is me$/m,
    );
    await enter(alice, '/away lunch');
    await alice.waitFor(/^ally \(away\)>$/m);
    await bob.waitFor(/^\d\d:\d\d -- \?ally is away: lunch$/m);
    await enter(bob, '/who');
    await bob.waitFor(/^-- here: .*ally \(away: lunch\)/m);
    await enter(bob, '/topic tea');
    await alice.waitFor(/^\d\d:\d\d -- \?bob set the topic: tea$/m);
    await enter(bob, '/ignore ally');
    await bob.waitFor(/^-- ignoring ally under any nick/m);
    await enter(alice, 'are you there?');
    await alice.waitFor(/^\d\d:\d\d ally: are you there\?\nally>$/m);
    await enter(bob, 'no');
    const screen = await bob.waitFor(/^\d\d:\d\d bob: no$/m);
    expect(screen).not.toContain('are you there?');
  });
});

describe('commands of the chat that nobody else sees', () => {
  inTerminal('/history, /search and /ignore, and its reversal', async () => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinRaw(room, 'bob');
    bob.writeLines(seal(bob, 'green tea'), seal(bob, 'milk'));
    await alice.waitFor(/\?bob: milk$/m);
    await enter(alice, '/history 1');
    await alice.waitFor(/^-- the last message of this run:\n\d\d:\d\d \?bob: milk\nalice>$/m);
    await enter(alice, '/search TEA');
    await alice.waitFor(/^-- the last message of this run with TEA:\n\d\d:\d\d \?bob: green tea\nalice>$/m);
    await enter(alice, '/search rum');
    await alice.waitFor(/^-- not found in the 2 messages of this run: rum\nalice>$/m);

    await enter(alice, '/ignore bob');
    await alice.waitFor(/^-- ignoring bob under any nick[^]*alice>$/m);
    await enter(alice, '/ignore');
    await alice.waitFor(/^-- you ignore bob\nalice>$/m);
    bob.writeLines(seal(bob, 'unread'));
    // Later messages appear after it.
    await enter(alice, 'is anybody there?');
    await alice.waitFor(/^\d\d:\d\d alice: is anybody there\?\nalice>$/m);
    await enter(alice, '/ignore bob no');
    await alice.waitFor(/^-- no longer ignoring bob\nalice>$/m);
    await enter(alice, '/ignore');
    await alice.waitFor(/^-- you ignore nobody\nalice>$/m);
    bob.writeLines(seal(bob, 'read again'));
    const screen = await alice.waitFor(/^\d\d:\d\d \?bob: read again\nalice>$/m);
    expect(screen).not.toContain('unread');
    await enter(alice, '/history');
    const again = await alice.waitFor(/^-- the last 4 messages of this run:\n[^]*read again\nalice>$/m);
    expect(again).not.toContain('unread');
  });

  inTerminal.each([40, 80])('%d columns: /help and /verify wrap between words', async (columns) => {
    const { room, join } = await atRoom();
    const alice = await join('alice', [], { columns, rows: 80, env: { NO_COLOR: '1' } });
    const bob = await joinRaw(room, 'bob_with_a_longer_name');
    bob.writeLines(seal(bob, 'hello'));
    await alice.waitFor(/: hello$/m);
    await enter(alice, '/help');
    await alice.waitFor(/changed key\nalice>$|key\nalice>$/m);
    await enter(alice, '/verify bob_with_a_longer_name');
    const screen = await alice.waitFor(/^-- if they differ: [^]*no\nalice>$/m);
    isGolden(`commands-${columns}`, screen.replaceAll(/\b\d{5}\b/g, '12345'));
  });
});

describe('what the chat keeps from one run to the next', () => {
  inTerminal('includes a mark before the messages missed meanwhile', async () => {
    const { room, join } = await atRoom();
    const state = tempDir();
    const alice = await join('alice', [], { state });
    const bob = await joinRaw(room, 'bob');
    bob.writeLines(seal(bob, 'read'));
    await alice.waitFor(/\?bob: read$/m);
    await enter(alice, '/quit');
    await alice.waitFor(/^exit 0$/m);
    bob.writeLines(seal(bob, 'missed'), seal(bob, 'missed too'));
    const again = await join('alice', ['--bell', 'off'], { state });
    const screen = await again.waitFor(/missed too\n(?:.*\n)*alice>$/m);
    expect(screen).toMatch(
      /^\u2500\u2500 new \u2500+\n\d\d:\d\d \?bob: missed\n\d\d:\d\d \?bob: missed too$/m,
    );
    expect(screen).not.toMatch(/bob: read/);
  });
});

describe('the first run of the chat', () => {
  inTerminal('creates a group room, says so, prints its invite and three lines of help', async () => {
    const { port } = await startRelay();
    const terminal = await openTerminal(['join', '--port', String(port), '--nick', 'alice', '--qr'], {
      columns: 130,
      rows: 60,
    });
    const screen = await terminal.waitFor(/3\. \/quit.*\n(?:.*\n)*alice>$/);
    expect(screen).toMatch(/^-- new group room: its keys change with its members/m);
    const [, invite = ''] = /^(rxchat:\/\/\S+)$/m.exec(screen) ?? [];
    expect(screen).toMatch(/^-- 1\. .*\n-- 2\. .*\n-- 3\. /m);
    await terminal.waitFor(/\u2588{20}/);
    const another = { columns: 60, data: tempDir() };
    const member = await openTerminal(['join', invite, '--nick', 'bob'], another);
    await member.waitFor(/you joined with the invite; 2 members/);
    await terminal.waitFor(/joined with the invite; 2 members/);
  });

  inTerminal('works without any argument, and says when there is no relay', async () => {
    // A free port: nobody listens there once this is closed.
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const none = await openTerminal(['join', '--port', String(port)], { columns: 80 });
    const screen = await none.waitFor(/^exit 3$/m);
    expect(screen).toBe(`rxchat: no relay at 127.0.0.1:${port}; start one with: rxchat serve\nexit 3`);
    // A test cannot know whether a relay listens at the default port.
    const bare = await openTerminal([], { columns: 80 });
    await bare.waitFor(/no relay at 127\.0\.0\.1:55555; start one with: rxchat serve|new room/);
  });
});
