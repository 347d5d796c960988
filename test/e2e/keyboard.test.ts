import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { cleanUp } from './support/cleanup.js';
import { sharedByTests } from './support/sharedByTests.js';
import { joinRaw, type RawMember, seal } from './support/rawClient.js';
import { newRoom, startRelay } from './support/relay.js';
import { hasTmux, openTerminal, type Terminal, type TerminalOptions } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux)
    console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about its keyboard');
});
afterEach(cleanUp);

const sharedRelay = sharedByTests(() => startRelay());

const atRoom = async () => {
  const relay = await sharedRelay();
  const room = newRoom(relay.port);
  const enter = async (options: TerminalOptions = {}): Promise<Terminal> => {
    const terminal = await openTerminal(['join', room.text, '--nick', 'alice'], { columns: 80, ...options });
    await terminal.waitFor(/you are in/);
    return terminal;
  };
  return { room, enter, send: (peer: RawMember, text: string) => peer.writeLines(seal(peer, text)) };
};

describe('the keyboard of join in a terminal', () => {
  inTerminal('types nothing for late answers, reports and unknown keys', async () => {
    const { enter } = await atRoom();
    const alice = await enter();
    await alice.type(
      `ab${[
        '\x1b[27;2;127~',
        '\x1b[57441;2u',
        '\x1b[1;10D',
        '\x1b[<0;10;12M',
        '\x1b[M !"',
        '\x1b[24;80R',
        '\x1b[?62;22c',
        '\x1b]11;rgb:1e1e/1e1e/2e2e\x07',
        '\x1bP>|tmux\x1b\\',
        '\x1b[?997;1n',
        '\x1b[48;24;80;480;800t',
      ].join('')}cZ`,
    );
    // Backspace with Shift is Backspace.
    await alice.waitFor(/^alice> acZ$/m);
    await alice.type('\x1b[27;2;13~new line\x1b[99;5u');
    await alice.waitFor(/^alice>$/m);
    await alice.type('said\x1b[13;129u');
    await alice.waitFor(/alice: said\nalice>$/);
  });

  inTerminal('works again after a paste whose end is lost', async () => {
    const { enter } = await atRoom();
    const alice = await enter();
    await alice.type('\x1b[200~lost end');
    await alice.waitFor(/^-- pasting …$/m);
    await alice.waitFor(
      /8 characters pasted, without its end, nothing was sent: \[3\] edit|8 characters pasted/,
    );
    await alice.type('3');
    await alice.waitFor(/^alice> lost end$/m);
    await alice.type('\x1b[200~again');
    await alice.waitFor(/^-- pasting …$/m);
    await alice.press('C-c');
    await alice.type('4');
    await alice.type('!');
    await alice.waitFor(/^alice> lost end!$/m);
  });

  inTerminal('does not send several lines that are not marked as a paste', async () => {
    const { enter } = await atRoom();
    const alice = await enter();
    await alice.type('l1\rl2\rl3\r');
    expect(await alice.waitFor(/^alice> l1\n> l2\n> l3$/m)).not.toMatch(/alice: /);
  });

  inTerminal('moves the cursor to where the terminal has drawn the preceding text', async () => {
    const { enter } = await atRoom();
    const alice = await enter();
    const draft = 'I ❤️ you, you ❤️ me 👍🏽 नमस्ते';
    await alice.type(draft);
    await alice.waitFor(/नमस्ते/);
    const [, own = ''] = /column (\d+)/.exec(await alice.cursor()) ?? [];
    // The same text, typed by the terminal alone.
    const plain = await openTerminal([], {
      columns: 80,
      wrapper: ['sh', '-c', `printf 'alice> ${draft}'; exec cat`],
    });
    await plain.waitFor(/नमस्ते/);
    const [, itself = ''] = /column (\d+)/.exec(await plain.cursor()) ?? [];
    expect(own).toBe(itself);
  });
});

describe('a terminal that becomes narrower', () => {
  const others = ['LINE-ONE', 'LINE-TWO', 'LINE-THREE', 'LINE-FOUR'];
  const draft = 'x'.repeat(50);

  inTerminal('costs no line of others, at any width', async () => {
    const { room, enter, send: sendLines } = await atRoom();
    const bob = await joinRaw(room, 'bob');
    const alice = await enter({ rows: 24 });
    // If a screen is nearly empty, tmux removes its first rows when others wrap.
    for (let n = 0; n < 15; n += 1) sendLines(bob, `before ${n}`);
    for (const line of others) sendLines(bob, line);
    await alice.waitFor(/LINE-FOUR/);
    await alice.type(draft);
    // A row of 57 columns; at 57, 29 and 19 columns it is a multiple of the width, or one more.
    for (const columns of [59, 58, 57, 56, 30, 29, 28, 20, 19, 18, 57, 80, 29, 80]) {
      const written = await alice.record();
      await alice.resize(columns, 24);
      await written('\x1b[?7h');
      const joined = (screen: string) => screen.replaceAll('\n', '');
      await alice.waitFor(new RegExp(`alice> ${draft}$`), joined);
      for (const line of others) expect(joined(await alice.scrollback())).toContain(line);
    }
    // No earlier draft remains in a terminal known to rewrap its rows.
    expect((await alice.scrollback()).match(/alice> /g)).toHaveLength(1);
  });

  inTerminal('costs no line when it becomes wider again before the notice arrived', async () => {
    const { room, enter, send: sendLines } = await atRoom();
    const bob = await joinRaw(room, 'bob');
    const alice = await enter({ rows: 24 });
    for (let n = 0; n < 15; n += 1) sendLines(bob, `before ${n}`);
    for (const line of others) sendLines(bob, line);
    await alice.waitFor(/LINE-FOUR/);
    // The first row has 50 columns and wraps at 49; the row of the cursor is the same at each width.
    await alice.type('y'.repeat(43));
    await alice.press('M-Enter');
    await alice.type('end');
    await alice.waitFor(/end$/);
    for (let n = 0; n < 4; n += 1) {
      const written = await alice.record();
      await alice.resize(49, 24);
      await alice.resize(50, 24);
      await written('\x1b[?7h');
      await alice.waitFor(/y\n.*end$/);
    }
    for (const line of others) expect(await alice.scrollback()).toContain(line);
  });

  inTerminal('costs no line when its reflow behaviour is unknown', async () => {
    const { room, enter, send: sendLines } = await atRoom();
    const bob = await joinRaw(room, 'bob');
    const alice = await enter({ rows: 24, env: { TMUX: '' } });
    for (const line of others) sendLines(bob, line);
    await alice.waitFor(/LINE-FOUR/);
    await alice.type(draft);
    for (const columns of [58, 29, 57, 19, 80]) {
      const written = await alice.record();
      await alice.resize(columns, 24);
      await written('\x1b[?7h');
      const joined = (screen: string) => screen.replaceAll('\n', '');
      await alice.waitFor(new RegExp(`alice> ${draft}$`), joined);
      for (const line of others) expect(joined(await alice.scrollback())).toContain(line);
    }
  });

  inTerminal('keeps a link whole for the terminal', async () => {
    const { room, enter, send: sendLines } = await atRoom();
    const bob = await joinRaw(room, 'bob');
    const alice = await enter({ columns: 40 });
    const written = await alice.record();
    const url = `https://plus.example.com/${'photos/'.repeat(20)}end`;
    sendLines(bob, `look: ${url} ok?`);
    expect(await written('ok?')).toContain(url);
  });
});
