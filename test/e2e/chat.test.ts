import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { newDir } from './support/child.js';
import { endAll } from './support/endings.js';
import { joinPeer, seal, sealAs } from './support/peer.js';
import { newRoom, startRelay } from './support/relay.js';
import { hasTmux, openTerminal, type Terminal, type TerminalOptions } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux)
    console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about join in one');
});
afterEach(endAll);

const atRoom = async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const join = async (nick: string, flags: string[] = [], more: TerminalOptions = {}): Promise<Terminal> => {
    const terminal = await openTerminal(['join', room.text, '--nick', nick, ...flags], {
      columns: 60,
      ...more,
    });
    await terminal.shows(/you are in/);
    return terminal;
  };
  return { relay, room, join };
};

const enter = async (terminal: Terminal, text: string): Promise<void> => {
  await terminal.type(text);
  await terminal.press('Enter');
};

/** Keys are new in each run, and so are their colours. */
const normal = (screen: string): string =>
  `${screen
    .replaceAll(/\d\d:\d\d(?= )/g, '12:34')
    // eslint-disable-next-line no-control-regex
    .replaceAll(/\x1b\[38;5;\d+m/g, '<its colour>')
    .replaceAll('\x1b', '<esc>')}\n`;

const isGolden = (name: string, screen: string): void => {
  const file = new URL(`golden/${name}.txt`, import.meta.url);
  if (process.env['RXCHAT_GOLDEN'] === 'write') writeFileSync(file, normal(screen));
  expect(normal(screen)).toBe(readFileSync(file, 'utf8'));
};

describe('the conversation, as it is kept', () => {
  inTerminal.each([
    ['dark', { COLORFGBG: '15;0' }],
    ['light', { COLORFGBG: '0;15' }],
    ['no-colour', { NO_COLOR: '1' }],
  ])('%s', async (name, env) => {
    const { room, join } = await atRoom();
    const alice = await join('alice', [], { env });
    const bob = await joinPeer(room, 'bob');
    await alice.shows(/--> bob joined/);
    bob.say(
      seal(bob, 'a text that is longer than the sixty columns of this screen: 日本語 👍🏽'),
      sealAs(bob, 'me', 'waves'),
      sealAs(bob, 'topic', 'tea'),
      seal(bob, 'one row\nand another'),
    );
    await alice.shows(/and another/);
    await enter(alice, '/me waves back');
    await alice.shows(/\* alice waves back\nalice>$/);
    await enter(alice, '/jion');
    await alice.shows(/nothing was sent.*\nalice>$/s);
    const colours = await alice.colours();
    if (name === 'no-colour') expect(colours).not.toContain('\x1b');
    isGolden(`chat-${name}`, colours);
  });

  const withoutSeconds = (screen: string): string =>
    screen.replaceAll(/\d+ s\b/g, 'N s').replace(/offline: [^;]*;/, 'offline: why;');

  inTerminal('offline and back', async () => {
    const { relay, room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinPeer(room, 'bob');
    bob.say(seal(bob, 'before'));
    await alice.shows(/bob: before/);
    relay.child.signal('SIGTERM');
    expect(await relay.child.exit).toBe(0);
    await enter(alice, 'are you there');
    await alice.type('half a thought');
    const away = await alice.shows(/offline: .*◌ .*offline \d+ s, retry in \d+ s\)> half a thought$/s);
    isGolden('offline', withoutSeconds(away));
    await relay.restart();
    const back = await alice.shows(
      /-- back after \d+ s\n\d\d:\d\d alice: are you there\nalice> half a thought$/,
    );
    isGolden('back', withoutSeconds(back));
  });

  inTerminal('a relay that does not answer, whose lag stands in the prompt', async () => {
    const { relay, join } = await atRoom();
    const alice = await join('alice');
    relay.child.signal('SIGSTOP');
    await enter(alice, 'are you there');
    await alice.shows(/^◌ .*alice: are you there\nalice \(lag \d+ s\)>$/m);
    relay.child.signal('SIGCONT');
    await alice.shows(/^\d\d:\d\d alice: are you there\nalice>$/m);
  });
});

describe('commands that others see', () => {
  inTerminal('/nick, /away and /topic', async () => {
    const { join } = await atRoom();
    const alice = await join('alice');
    const bob = await join('bob', [], { data: newDir() });
    await enter(alice, 'hello');
    await bob.shows(/\?alice: hello$/m);
    await enter(alice, '/nick bob');
    // Whether it was announced already, or the relay has to say so.
    await alice.shows(/^-- (?:bob is here already|you cannot be bob: the nick is taken in this room)$/m);
    await enter(alice, '/nick ally');
    await alice.shows(/^-- you are ally now\nally>$/m);
    await enter(alice, 'it is me');
    await bob.shows(/^<-- alice left\n--> ally joined$/m);
    await bob.shows(/^-- ally has the key of alice: it is the same person\n\d\d:\d\d \?ally: it is me$/m);
    await enter(alice, '/away lunch');
    await alice.shows(/^ally \(away\)>$/m);
    await bob.shows(/^\d\d:\d\d -- \?ally is away: lunch$/m);
    await enter(bob, '/who');
    await bob.shows(/^-- here: .*ally \(away: lunch\)/m);
    await enter(bob, '/topic tea');
    await alice.shows(/^\d\d:\d\d -- \?bob set the topic: tea$/m);
    await enter(bob, '/ignore ally');
    await bob.shows(/^-- you read nothing more of ally/m);
    await enter(alice, 'are you there?');
    await alice.shows(/^\d\d:\d\d ally: are you there\?\nally>$/m);
    await enter(bob, 'no');
    const shown = await bob.shows(/^\d\d:\d\d bob: no$/m);
    expect(shown).not.toContain('are you there?');
  });
});

describe('commands that nobody else sees', () => {
  inTerminal('/history, /search, and /ignore, which is taken back', async () => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinPeer(room, 'bob');
    bob.say(seal(bob, 'green tea'), seal(bob, 'milk'));
    await alice.shows(/\?bob: milk$/m);
    await enter(alice, '/history 1');
    await alice.shows(/^-- the last message of this run:\n\d\d:\d\d \?bob: milk\nalice>$/m);
    await enter(alice, '/search TEA');
    await alice.shows(/^-- the last message of this run with TEA:\n\d\d:\d\d \?bob: green tea\nalice>$/m);
    await enter(alice, '/search rum');
    await alice.shows(/^-- not found in the 2 messages of this run: rum\nalice>$/m);

    await enter(alice, '/ignore bob');
    await alice.shows(/^-- you read nothing more of bob[^]*alice>$/m);
    await enter(alice, '/ignore');
    await alice.shows(/^-- you ignore bob\nalice>$/m);
    bob.say(seal(bob, 'unread'));
    // What is said after it comes after it.
    await enter(alice, 'is anybody there?');
    await alice.shows(/^\d\d:\d\d alice: is anybody there\?\nalice>$/m);
    await enter(alice, '/ignore bob no');
    await alice.shows(/^-- you read what bob says\nalice>$/m);
    await enter(alice, '/ignore');
    await alice.shows(/^-- you ignore nobody\nalice>$/m);
    bob.say(seal(bob, 'read again'));
    const shown = await alice.shows(/^\d\d:\d\d \?bob: read again\nalice>$/m);
    expect(shown).not.toContain('unread');
    await enter(alice, '/history');
    const again = await alice.shows(/^-- the last 4 messages of this run:\n[^]*read again\nalice>$/m);
    expect(again).not.toContain('unread');
  });

  inTerminal.each([40, 80])('%d columns: /help and /verify, without a broken word', async (columns) => {
    const { room, join } = await atRoom();
    const alice = await join('alice', [], { columns, rows: 80, env: { NO_COLOR: '1' } });
    const bob = await joinPeer(room, 'bob_with_a_longer_name');
    bob.say(seal(bob, 'hello'));
    await alice.shows(/: hello$/m);
    await enter(alice, '/help');
    await alice.shows(/another key than before\nalice>$|before\nalice>$/m);
    await enter(alice, '/verify bob_with_a_longer_name');
    const shown = await alice.shows(/^-- if it is not: [^]*no\nalice>$/m);
    isGolden(`commands-${columns}`, shown.replaceAll(/\b\d{5}\b/g, '12345'));
  });
});

describe('from one run to the next', () => {
  inTerminal('what came meanwhile stands behind a mark', async () => {
    const { room, join } = await atRoom();
    const state = newDir();
    const alice = await join('alice', [], { state });
    const bob = await joinPeer(room, 'bob');
    bob.say(seal(bob, 'read'));
    await alice.shows(/\?bob: read$/m);
    await enter(alice, '/quit');
    await alice.shows(/^exit 0$/m);
    bob.say(seal(bob, 'missed'), seal(bob, 'missed too'));
    const again = await join('alice', ['--bell', 'off'], { state });
    const shown = await again.shows(/missed too\n(?:.*\n)*alice>$/m);
    expect(shown).toMatch(
      /^\u2500\u2500 new \u2500+\n\d\d:\d\d \?bob: missed\n\d\d:\d\d \?bob: missed too$/m,
    );
    expect(shown).not.toMatch(/bob: read/);
  });
});

describe('the first run', () => {
  inTerminal('makes a room, shows its invite and says what to do in three lines', async () => {
    const { port } = await startRelay();
    const terminal = await openTerminal(['join', '--port', String(port), '--nick', 'alice', '--qr'], {
      columns: 100,
      rows: 60,
    });
    const shown = await terminal.shows(/3\. \/quit.*\n(?:.*\n)*alice>$/);
    const [, invite = ''] = /^(rxchat:\/\/\S+)$/m.exec(shown) ?? [];
    expect(shown).toMatch(/^-- 1\. .*\n-- 2\. .*\n-- 3\. /m);
    await terminal.shows(/\u2588{20}/);
    const guest = await openTerminal(['join', invite, '--nick', 'bob'], { columns: 60 });
    await guest.shows(/you are in, with alice/);
  });

  inTerminal('without any argument is the same, and says so where there is no relay', async () => {
    // A port that is free: nobody listens there once this is closed.
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const none = await openTerminal(['join', '--port', String(port)], { columns: 80 });
    const shown = await none.shows(/^exit 3$/m);
    expect(shown).toBe(`rxchat: no relay at 127.0.0.1:${port}; start one with: rxchat serve\nexit 3`);
    // Whether one listens at the usual port is not for a test to say.
    const bare = await openTerminal([], { columns: 80 });
    await bare.shows(/no relay at 127\.0\.0\.1:55555; start one with: rxchat serve|a new room/);
  });
});
