import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { entriesOf, joinPeer, seal } from './support/peer.js';
import { newRoom, startRelay } from './support/relay.js';
import { line } from './support/said.js';
import { hasTmux, openTerminal, type Terminal } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux)
    console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about terminals');
});
afterEach(endAll);

const atRoom = async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const join = async (nick: string): Promise<Terminal> => {
    const terminal = await openTerminal(['join', room.text, '--nick', nick]);
    await terminal.shows(/you are in/);
    return terminal;
  };
  return { relay, room, join };
};

/** More than two rows of forty columns; without spaces, of which a screen shows none at the end of a row. */
const LONG = Array.from({ length: 15 }, (_, i) => `word${i}`).join('-');

/** A long text as it was before it was wrapped under itself: rows are cut where they are full. */
const unwrapped = (screen: string): string => screen.replaceAll(/\n */g, '');

describe('two people in terminals', () => {
  inTerminal('talk to each other, and each sees the other come and go', async () => {
    const { join } = await atRoom();
    const alice = await join('alice');
    const bob = await join('bob');
    await alice.shows(/^--> bob joined$/m);
    await alice.type('hello bob');
    await alice.press('Enter');
    await bob.shows(/^\d\d:\d\d [?\u2713]?alice: hello bob$/m);
    await bob.type('hello alice');
    await bob.press('Enter');
    await alice.shows(/^\d\d:\d\d [?\u2713]?bob: hello alice$/m);

    // What was said stands once, in its place in the room, and the input line is free again.
    const shown = await alice.shows(/alice: hello bob\n\d\d:\d\d [?\u2713]?bob: hello alice\nalice>$/);
    expect(shown.match(/hello bob/g)).toHaveLength(1);

    await bob.press('C-c', 'C-c');
    await bob.shows(/^exit 0$/m);
    await alice.shows(/^<-- bob left\nalice>$/m);
  });

  inTerminal(
    'a message that comes while a long line is typed does not tear it, and it is sent whole',
    async () => {
      const { room, join } = await atRoom();
      const alice = await join('alice');
      const bob = await joinPeer(room, 'bob');
      await alice.shows(/--> bob joined/);
      await alice.type(LONG);
      await alice.shows(/word14$/);

      for (const n of [1, 2, 3]) {
        bob.say(seal(bob, `interruption ${n}`));
        await alice.shows(new RegExp(`bob: interruption ${n}alice> ${LONG}$`), unwrapped);
      }
      await alice.type('-and-the-end');
      await alice.shows(/-and-the-end$/);
      await alice.press('Enter');
      await alice.shows(
        new RegExp(`interruption 3\\d\\d:\\d\\d alice: ${LONG}-and-the-endalice>$`),
        unwrapped,
      );

      const heard = rxchat(['listen', room.text, '--after', '0', '-n', '4']);
      expect(await heard.exit).toBe(0);
      expect(heard.out.lines.at(-1)).toBe(`alice: ${LONG}-and-the-end`);
    },
  );

  inTerminal('a line is corrected in its middle while messages come', async () => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinPeer(room, 'bob');
    await alice.type('helo world');
    await alice.press(...Array.from({ length: 7 }, () => 'Left'));
    bob.say(seal(bob, 'interruption'));
    await alice.shows(/bob: interruption\nalice> helo world$/);
    await alice.type('l');
    await alice.shows(/^alice> hello world$/m);
    await alice.press('Enter');
    await alice.shows(/alice: hello world\nalice>$/);
  });

  inTerminal.each([60, 30])(
    'a terminal that becomes %d wide keeps what was said and what is typed',
    async (columns) => {
      const { room, join } = await atRoom();
      const alice = await join('alice');
      const bob = await joinPeer(room, 'bob');
      bob.say(seal(bob, 'before'));
      await alice.shows(/bob: before$/m);
      await alice.type(LONG);
      await alice.shows(/word14$/);

      await alice.resize(columns, 15);
      // Typed after the change and shown after it.
      await alice.type('!');
      await alice.shows(new RegExp(`bob: beforealice> ${LONG}!$`), unwrapped);
      bob.say(seal(bob, 'after'));
      await alice.shows(
        new RegExp(`bob: before\\d\\d:\\d\\d \\?bob: after(<-- bob left)?alice> ${LONG}!$`),
        unwrapped,
      );
      await alice.press('Enter');
      await alice.shows(new RegExp(`bob: after\\d\\d:\\d\\d alice: ${LONG}!alice>$`), unwrapped);
    },
  );

  inTerminal('what others send cannot draw on the screen', async () => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinPeer(room, 'bob');
    bob.say(seal(bob, 'red \u001b[31m\u001b[2J\u001b]0;owned\u0007 back\rover \u202eturned'));
    await alice.shows(
      /you are in.*bob: red ␛\[31m␛\[2J␛\]0;owned␇ ?back␍over \\u\{202e\}turnedalice>$/,
      unwrapped,
    );
  });
});

describe('commands', () => {
  inTerminal('one that there is not is not sent, and a doubled slash is', async () => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinPeer(room, 'bob');
    for (const entered of ['/unknown hunter2', '/qiut', '//literally']) {
      await alice.type(entered);
      await alice.press('Enter');
    }
    const shown = await alice.shows(/alice: \/literally/, unwrapped);
    expect(shown).toMatch(/unknown command \/unknown, nothing ?was ?sent/);
    expect(shown).toMatch(/did ?you ?mean ?\/quit\?/);
    await bob.heard.until(line('gAAAA'));
    expect(entriesOf(bob).filter((entry) => entry.startsWith('g'))).toHaveLength(1);
  });

  inTerminal.each([
    ['/quit', async (alice: Terminal) => alice.type('/quit').then(() => alice.press('Enter'))],
    ['Ctrl-D', (alice: Terminal) => alice.press('C-d')],
    [
      'Ctrl-C, said twice,',
      async (alice: Terminal) => {
        await alice.press('C-c');
        await alice.shows(/^-- press Ctrl-C again to leave\nalice>$/m);
        await alice.press('C-c');
      },
    ],
    [
      'Ctrl-C in the middle of a line clears that, and said twice more it',
      async (alice: Terminal) => {
        await alice.type('never');
        await alice.shows(/^alice> never$/m);
        await alice.press('C-c');
        await alice.shows(/^alice>$/m);
        await alice.press('C-c', 'C-c');
      },
    ],
  ])('%s leaves in 0, and gives the terminal back', async (_, leave) => {
    const { room, join } = await atRoom();
    const alice = await join('alice');
    const bob = await joinPeer(room, 'bob');
    await leave(alice);
    await alice.shows(/^exit 0$/m);
    await bob.heard.until(line('-alice'));
    expect(entriesOf(bob).filter((entry) => entry.startsWith('g'))).toStrictEqual([]);
    // A terminal that was not given back would not echo.
    await alice.type('echoed');
    await alice.shows(/^echoed$/m);
  });

  inTerminal('send without anything to send says so and does not wait for a keyboard', async () => {
    const { room } = await atRoom();
    const terminal = await openTerminal(['send', room.text], { columns: 120 });
    const shown = await terminal.shows(/^exit 2$/m);
    expect(shown).toMatch(/nothing to send\n.*-m TEXT/);
  });

  inTerminal(
    'while the relay is away one goes on typing, and what one says is stored when it is back',
    async () => {
      const relay = await startRelay();
      const room = newRoom(relay.port);
      const alice = await openTerminal(['join', room.text, '--nick', 'alice'], { columns: 100 });
      await alice.shows(/you are in/);
      relay.child.signal('SIGTERM');
      expect(await relay.child.exit).toBe(0);
      await alice.type('are you there');
      await alice.press('Enter');
      await alice.type('half a thought');
      // Not shown as said, and not lost either: it waits.
      await alice.shows(/^\u25cc \d\d:\d\d [?\u2713]?alice: are you there$/m);
      await alice.shows(
        /^-- offline: .*; trying again\n\u25cc .*\nalice \(offline \d+ s, (?:retry in \d+ s|trying)\)> half a thought$/m,
      );
      await relay.restart();
      await alice.shows(/^\d\d:\d\d [?\u2713]?alice: are you there$/m);
      const shown = await alice.shows(/^-- back after \d+ s$/m);
      expect(shown).toMatch(/^alice> half a thought$/m);
    },
  );
});
