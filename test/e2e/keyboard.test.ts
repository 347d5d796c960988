import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { endAll } from './support/endings.js';
import { joinPeer, type MemberPeer, seal } from './support/peer.js';
import { newRoom, startRelay } from './support/relay.js';
import { hasTmux, openTerminal, type Terminal, type TerminalOptions } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux)
    console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about its keyboard');
});
afterEach(endAll);

const atRoom = async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const enter = async (options: TerminalOptions = {}): Promise<Terminal> => {
    const terminal = await openTerminal(['join', room.text, '--nick', 'alice'], { columns: 80, ...options });
    await terminal.shows(/you are in/);
    return terminal;
  };
  return { room, enter, say: (peer: MemberPeer, text: string) => peer.say(seal(peer, text)) };
};

describe('the keyboard of a terminal', () => {
  inTerminal('late answers, reports and keys that are not known type nothing', async () => {
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
    await alice.shows(/^alice> acZ$/m);
    await alice.type('\x1b[27;2;13~new line\x1b[99;5u');
    await alice.shows(/^alice>$/m);
    await alice.type('said\x1b[13;129u');
    await alice.shows(/alice: said\nalice>$/);
  });

  inTerminal('a paste whose end is lost gives the keyboard back', async () => {
    const { enter } = await atRoom();
    const alice = await enter();
    await alice.type('\x1b[200~lost end');
    await alice.shows(/^-- pasting …$/m);
    await alice.shows(
      /8 characters pasted, without its end, nothing was sent: \[3\] edit|8 characters pasted/,
    );
    await alice.type('3');
    await alice.shows(/^alice> lost end$/m);
    await alice.type('\x1b[200~again');
    await alice.shows(/^-- pasting …$/m);
    await alice.press('C-c');
    await alice.type('4');
    await alice.type('!');
    await alice.shows(/^alice> lost end!$/m);
  });

  inTerminal('several lines without marks are not sent', async () => {
    const { enter } = await atRoom();
    const alice = await enter();
    await alice.type('l1\rl2\rl3\r');
    expect(await alice.shows(/^alice> l1\n> l2\n> l3$/m)).not.toMatch(/alice: /);
  });

  inTerminal('the cursor stands where the terminal has drawn what is before it', async () => {
    const { enter } = await atRoom();
    const alice = await enter();
    const draft = 'I ❤️ you, you ❤️ me 👍🏽 नमस्ते';
    await alice.type(draft);
    await alice.shows(/नमस्ते/);
    const [, own = ''] = /column (\d+)/.exec(await alice.cursor()) ?? [];
    // The same text, by nobody but the terminal.
    const plain = await openTerminal([], {
      columns: 80,
      by: ['sh', '-c', `printf 'alice> ${draft}'; exec cat`],
    });
    await plain.shows(/नमस्ते/);
    const [, itself = ''] = /column (\d+)/.exec(await plain.cursor()) ?? [];
    expect(own).toBe(itself);
  });
});

describe('a window that becomes narrower', () => {
  const others = ['LINE-ONE', 'LINE-TWO', 'LINE-THREE', 'LINE-FOUR'];
  const draft = 'x'.repeat(50);

  inTerminal('costs no line of others, at whatever width', async () => {
    const { room, enter, say } = await atRoom();
    const bob = await joinPeer(room, 'bob');
    const alice = await enter({ rows: 24 });
    // Where a screen is nearly empty, tmux takes its first rows off it when others wrap.
    for (let n = 0; n < 15; n += 1) say(bob, `before ${n}`);
    for (const line of others) say(bob, line);
    await alice.shows(/LINE-FOUR/);
    await alice.type(draft);
    // A row of 57; at 57, 29 and 19 it is a multiple of the width, or one more.
    for (const columns of [59, 58, 57, 56, 30, 29, 28, 20, 19, 18, 57, 80, 29, 80]) {
      const written = await alice.record();
      await alice.resize(columns, 24);
      await written('\x1b[?7h');
      const joined = (screen: string) => screen.replaceAll('\n', '');
      await alice.shows(new RegExp(`alice> ${draft}$`), joined);
      for (const line of others) expect(joined(await alice.scrollback())).toContain(line);
    }
    // Nothing is left of the drafts before, in a terminal that is known to wrap its rows again.
    expect((await alice.scrollback()).match(/alice> /g)).toHaveLength(1);
  });

  inTerminal('and wider again before the notice of that came', async () => {
    const { room, enter, say } = await atRoom();
    const bob = await joinPeer(room, 'bob');
    const alice = await enter({ rows: 24 });
    for (let n = 0; n < 15; n += 1) say(bob, `before ${n}`);
    for (const line of others) say(bob, line);
    await alice.shows(/LINE-FOUR/);
    // The first row is one of 50 and wraps at 49; the row of the cursor is the same at each width.
    await alice.type('y'.repeat(43));
    await alice.press('M-Enter');
    await alice.type('end');
    await alice.shows(/end$/);
    for (let n = 0; n < 4; n += 1) {
      const written = await alice.record();
      await alice.resize(49, 24);
      await alice.resize(50, 24);
      await written('\x1b[?7h');
      await alice.shows(/y\n.*end$/);
    }
    for (const line of others) expect(await alice.scrollback()).toContain(line);
  });

  inTerminal('and one whose kind is not known neither', async () => {
    const { room, enter, say } = await atRoom();
    const bob = await joinPeer(room, 'bob');
    const alice = await enter({ rows: 24, env: { TMUX: '' } });
    for (const line of others) say(bob, line);
    await alice.shows(/LINE-FOUR/);
    await alice.type(draft);
    for (const columns of [58, 29, 57, 19, 80]) {
      const written = await alice.record();
      await alice.resize(columns, 24);
      await written('\x1b[?7h');
      const joined = (screen: string) => screen.replaceAll('\n', '');
      await alice.shows(new RegExp(`alice> ${draft}$`), joined);
      for (const line of others) expect(joined(await alice.scrollback())).toContain(line);
    }
  });

  inTerminal('a link is whole for the terminal', async () => {
    const { room, enter, say } = await atRoom();
    const bob = await joinPeer(room, 'bob');
    const alice = await enter({ columns: 40 });
    const written = await alice.record();
    const url = `https://plus.example.com/${'photos/'.repeat(20)}end`;
    say(bob, `look: ${url} ok?`);
    expect(await written('ok?')).toContain(url);
  });
});
