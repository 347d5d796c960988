import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { sharedByTests } from './support/sharedByTests.js';
import { entriesOf, joinRaw, seal } from './support/rawClient.js';
import { newRoom, startRelay } from './support/relay.js';
import { lineWith } from './support/streamOutput.js';
import { hasTmux, openTerminal, type Terminal } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux)
    console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about terminals');
});
afterEach(cleanUp);

const sharedRelay = sharedByTests(() => startRelay());

const atRoom = async () => {
  const relay = await sharedRelay();
  const room = newRoom(relay.port);
  const join = async (nick: string): Promise<Terminal> => {
    const terminal = await openTerminal(['join', room.text, '--nick', nick]);
    await terminal.waitFor(/you are in/);
    return terminal;
  };
  return { relay, room, join };
};

/** More than two rows of forty columns, without spaces, since a screen shows no trailing spaces. */
const LONG = Array.from({ length: 15 }, (_, i) => `word${i}`).join('-');

/** Joins the rows of a wrapped text: rows are cut where they are full. */
const unwrapped = (screen: string): string => screen.replaceAll(/\n */g, '');

describe('two people in terminals', () => {
  inTerminal('talk to each other, and each sees the other join and leave', async () => {
    const { join } = await atRoom();
    const alice = await join('alice');
    const bob = await join('bob');
    await alice.waitFor(/^--> bob joined$/m);
    await alice.type('hello bob');
    await alice.press('Enter');
    await bob.waitFor(/^\d\d:\d\d [?\u2713]?alice: hello bob$/m);
    await bob.type('hello alice');
    await bob.press('Enter');
    await alice.waitFor(/^\d\d:\d\d [?\u2713]?bob: hello alice$/m);

    // The message appears once, in its place in the room, and the input line is empty again.
    const screen = await alice.waitFor(/alice: hello bob\n\d\d:\d\d [?\u2713]?bob: hello alice\nalice>$/);
    expect(screen.match(/hello bob/g)).toHaveLength(1);

    await bob.press('C-c', 'C-c');
    await bob.waitFor(/^exit 0$/m);
    await alice.waitFor(/^<-- bob left\nalice>$/m);
  });

  inTerminal('can finish a long line without damage when a message arrives meanwhile', async () => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinRaw(room, 'bob');
    await alice.waitFor(/--> bob joined/);
    await alice.type(LONG);
    await alice.waitFor(/word14$/);

    for (const n of [1, 2, 3]) {
      bob.writeLines(seal(bob, `interruption ${n}`));
      await alice.waitFor(new RegExp(`bob: interruption ${n}alice> ${LONG}$`), unwrapped);
    }
    await alice.type('-and-the-end');
    await alice.waitFor(/-and-the-end$/);
    await alice.press('Enter');
    await alice.waitFor(
      new RegExp(`interruption 3\\d\\d:\\d\\d alice: ${LONG}-and-the-endalice>$`),
      unwrapped,
    );

    const received = rxchat(['listen', room.text, '--after', '0', '-n', '4']);
    expect(await received.exit).toBe(0);
    expect(received.out.lines.at(-1)).toBe(`alice: ${LONG}-and-the-end`);
  });

  inTerminal('can edit a line in its middle while messages arrive', async () => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinRaw(room, 'bob');
    await alice.type('helo world');
    await alice.press(...Array.from({ length: 7 }, () => 'Left'));
    bob.writeLines(seal(bob, 'interruption'));
    await alice.waitFor(/bob: interruption\nalice> helo world$/);
    await alice.type('l');
    await alice.waitFor(/^alice> hello world$/m);
    await alice.press('Enter');
    await alice.waitFor(/alice: hello world\nalice>$/);
  });

  inTerminal.each([60, 30])('keep messages and draft when a terminal becomes %d wide', async (columns) => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinRaw(room, 'bob');
    bob.writeLines(seal(bob, 'before'));
    await alice.waitFor(/bob: before$/m);
    await alice.type(LONG);
    await alice.waitFor(/word14$/);

    await alice.resize(columns, 15);
    // Typed after the change and shown after it.
    await alice.type('!');
    await alice.waitFor(new RegExp(`bob: beforealice> ${LONG}!$`), unwrapped);
    bob.writeLines(seal(bob, 'after'));
    await alice.waitFor(new RegExp(`bob: before\\d\\d:\\d\\d \\?bob: afteralice> ${LONG}!$`), unwrapped);
    await alice.press('Enter');
    await alice.waitFor(new RegExp(`bob: after\\d\\d:\\d\\d alice: ${LONG}!alice>$`), unwrapped);
  });

  inTerminal("cannot draw on each other's screen", async () => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinRaw(room, 'bob');
    bob.writeLines(seal(bob, 'red \u001b[31m\u001b[2J\u001b]0;owned\u0007 back\rover \u202eturned'));
    await alice.waitFor(
      /you are in.*bob: red ␛\[31m␛\[2J␛\]0;owned␇ ?back␍over \\u\{202e\}turnedalice>$/,
      unwrapped,
    );
  });
});

describe('commands of join in a terminal', () => {
  inTerminal('are not sent when unknown, and a doubled slash is sent', async () => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinRaw(room, 'bob');
    for (const entered of ['/unknown hunter2', '/qiut', '//literally']) {
      await alice.type(entered);
      await alice.press('Enter');
    }
    const screen = await alice.waitFor(/alice: \/literally/, unwrapped);
    expect(screen).toMatch(/unknown command \/unknown, nothing ?was ?sent/);
    expect(screen).toMatch(/did ?you ?mean ?\/quit\?/);
    await bob.output.until(lineWith('gAAAA'));
    expect(entriesOf(bob).filter((entry) => entry.startsWith('g'))).toHaveLength(1);
  });

  inTerminal.each([
    ['/quit', async (alice: Terminal) => alice.type('/quit').then(() => alice.press('Enter'))],
    ['Ctrl-D', (alice: Terminal) => alice.press('C-d')],
    [
      'Ctrl-C, said twice,',
      async (alice: Terminal) => {
        await alice.press('C-c');
        await alice.waitFor(/^-- press Ctrl-C again to leave\nalice>$/m);
        await alice.press('C-c');
      },
    ],
    [
      'Ctrl-C in the middle of a line clears that, and said twice more it',
      async (alice: Terminal) => {
        await alice.type('never');
        await alice.waitFor(/^alice> never$/m);
        await alice.press('C-c');
        await alice.waitFor(/^alice>$/m);
        await alice.press('C-c', 'C-c');
      },
    ],
  ])('%s exits 0, and restores the terminal', async (_, leave) => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinRaw(room, 'bob');
    await leave(alice);
    await alice.waitFor(/^exit 0$/m);
    await bob.output.until(lineWith('-alice'));
    expect(entriesOf(bob).filter((entry) => entry.startsWith('g'))).toStrictEqual([]);
    // A terminal that was not restored would not echo.
    await alice.type('echoed');
    await alice.waitFor(/^echoed$/m);
  });

  inTerminal('send without input exits with a message, and does not wait for the keyboard', async () => {
    const { room } = await atRoom();
    const terminal = await openTerminal(['send', room.text], { columns: 120 });
    const screen = await terminal.waitFor(/^exit 2$/m);
    expect(screen).toMatch(/nothing to send\n.*-m TEXT/);
  });

  inTerminal('join accepts lines while the relay is away, and they are stored when it is back', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const alice = await openTerminal(['join', room.text, '--nick', 'alice'], { columns: 100 });
    await alice.waitFor(/you are in/);
    relay.child.signal('SIGTERM');
    expect(await relay.child.exit).toBe(0);
    await alice.type('are you there');
    await alice.press('Enter');
    await alice.type('half a thought');
    // The line is neither shown as sent nor lost: it is pending.
    await alice.waitFor(/^\u25cc \d\d:\d\d [?\u2713]?alice: are you there$/m);
    await alice.waitFor(
      /^-- offline: .*; reconnecting\n\u25cc .*\nalice \(offline \d+ s, (?:retry in \d+ s|trying)\)> half a thought$/m,
    );
    await relay.restart();
    await alice.waitFor(/^\d\d:\d\d [?\u2713]?alice: are you there$/m);
    const screen = await alice.waitFor(/^-- back after \d+ s$/m);
    expect(screen).toMatch(/^alice> half a thought$/m);
  });
});
