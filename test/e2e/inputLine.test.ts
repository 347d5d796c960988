import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDir } from './support/child.js';
import { endAll } from './support/endings.js';
import { showsGolden } from './support/golden.js';
import { GREETING, startHostileRelay, welcomeWith } from './support/hostileRelay.js';
import { joinPeer, type MemberPeer, seal } from './support/peer.js';
import { newRoom, startRelay, through } from './support/relay.js';
import { hasTmux, openTerminal, type Terminal, type TerminalOptions } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux)
    console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about the input line');
});
afterEach(endAll);

const atRoom = async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const enter = async (options: TerminalOptions = {}, ...flags: readonly string[]): Promise<Terminal> => {
    const terminal = await openTerminal(['join', room.text, '--nick', 'alice', ...flags], options);
    await terminal.shows(/you are in/);
    return terminal;
  };
  return { room, enter, say: (peer: MemberPeer, text: string) => peer.say(seal(peer, text)) };
};

const CHINESE = '日本語のとても長い一行が端で折り返される';
const lines = (n: number) => Array.from({ length: n }, (_, at) => `line ${at + 1}`).join('\n');

describe('the screen, as it is kept', () => {
  inTerminal.each([40, 80])('%d columns: a draft in the middle of a conversation', async (columns) => {
    const { room, enter, say } = await atRoom();
    const alice = await enter({ columns });
    const bob = await joinPeer(room, 'bob');
    await alice.shows(/bob joined/);
    await alice.type('a draft that is long enough for two rows, whatever the screen may be: eighty');
    say(bob, 'hello alice');
    await alice.press('M-b', 'Left');
    await showsGolden(alice, `draft-${columns}`, /bob: hello alice\nalice> a draft/);
  });

  inTerminal('CJK and emoji: wrapped at the edge, and corrected in the middle', async () => {
    const { room, enter, say } = await atRoom();
    const alice = await enter({ columns: 40 });
    const bob = await joinPeer(room, 'bob');
    await alice.type(`${CHINESE} 👨‍👩‍👧‍👦👍🏽 e\u0301`);
    await alice.press('Left', 'Left', 'Left', 'BSpace');
    say(bob, '日本語 👍🏽');
    await showsGolden(alice, 'wide', /日本語 👍/u);
  });

  inTerminal('several lines, and the cursor in one of them', async () => {
    const { enter } = await atRoom();
    const alice = await enter({ columns: 40 });
    await alice.type('first line');
    await alice.press('M-Enter');
    await alice.type('the second');
    await alice.press('M-Enter', 'Up', 'Up', 'C-e');
    await showsGolden(alice, 'lines', /^> the second$/m);
    await alice.type('!');
    await alice.press('Enter');
    await alice.shows(/alice: first line!/);
  });

  inTerminal('Ctrl-R', async () => {
    const { enter } = await atRoom();
    const alice = await enter({ columns: 60 });
    for (const text of ['apple pie', 'banana', 'apple cake']) {
      await alice.type(text);
      await alice.press('Enter');
      await alice.shows(new RegExp(`alice: ${text}`));
    }
    await alice.type('half');
    await alice.press('C-r');
    await alice.type('apple');
    await alice.press('C-r');
    await showsGolden(alice, 'search', /search 'apple'\): apple pie/);
    await alice.press('C-g');
    await alice.shows(/^alice> half$/m);
  });

  inTerminal('a paste, which is never sent by itself, and one that is much', async () => {
    const { enter } = await atRoom();
    const alice = await enter({ columns: 60 });
    await alice.paste('one\ntwo\tand\n');
    await showsGolden(alice, 'paste', /^> two {5}and$/m);
    await alice.press('C-c');
    await alice.type('look: ');
    await alice.paste(lines(7));
    await alice.type('leaked?');
    await alice.press('Enter');
    await showsGolden(alice, 'paste-asked', /7 lines pasted/);
    await alice.type('4');
    await alice.shows(/^alice> look:$/m);
    await alice.paste(lines(7));
    await alice.type('2');
    const shown = await alice.shows(/alice: line 7\nalice>$/);
    expect(shown.match(/alice: /g)).toHaveLength(7);
    expect(shown).toMatch(/alice: look: line 1\n/);
  });

  inTerminal('a resize, narrower and wider again', async () => {
    const { room, enter, say } = await atRoom();
    const alice = await enter({ columns: 60 });
    const bob = await joinPeer(room, 'bob');
    say(bob, 'before');
    await alice.shows(/bob: before/);
    await alice.type(`${CHINESE} and some more that goes on and on`);
    await alice.shows(/on and on$/);
    // The terminal has wrapped its rows again before we know of it: what is waited for is what we draw.
    await alice.resize(33, 15);
    await alice.shows(/ and some more that\n goes on and on$/);
    await alice.type('!');
    await showsGolden(alice, 'resize-33', /!$/);
    await alice.resize(70, 15);
    await alice.shows(/ and some more that goe\ns on and on!$/);
    await alice.type('?');
    say(bob, 'after');
    await showsGolden(alice, 'resize-70', /bob: after[^]*\?$/);
  });

  inTerminal('a draft that is taller than the screen', async () => {
    const { room, enter, say } = await atRoom();
    const alice = await enter({ columns: 40, rows: 8 });
    const bob = await joinPeer(room, 'bob');
    await alice.paste(lines(20));
    await alice.type('3');
    await alice.shows(/^> line 20$/m);
    say(bob, 'still there');
    await showsGolden(alice, 'tall', /bob: still there\n> line 14/);
    await alice.press('Enter');
    await alice.shows(/ line 20\nalice>$/);
  });
});

describe('what was entered', () => {
  inTerminal(
    'is there the next time, for whoever has the invite, unless it begins with a space',
    async () => {
      const { enter } = await atRoom();
      const state = newDir();
      const by = ['env', `XDG_STATE_HOME=${state}`];
      const alice = await enter({ by });
      for (const text of ['first word', ' secret', 'last word']) {
        await alice.type(text);
        await alice.press('Enter');
        await alice.shows(new RegExp(`alice: ${text}`));
      }
      await alice.press('C-d');
      await alice.shows(/^exit 0$/m);

      const dir = join(state, 'rxchat', 'input');
      const [file = ''] = readdirSync(dir);
      expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
      expect(readFileSync(join(dir, file), 'utf8')).not.toMatch(/word|secret/);

      const again = await enter({ by });
      await again.press('Up');
      await again.shows(/^alice> last word$/m);
      await again.press('Up');
      await again.shows(/^alice> first word$/m);
      await again.press('C-c', 'C-d');
      await again.shows(/^exit 0$/m);

      const size = statSync(join(dir, file)).size;
      const off = await enter({ by }, '--no-history');
      await off.type('not kept');
      await off.press('Enter');
      await off.shows(/alice: not kept/);
      await off.press('Up', 'Up');
      await off.shows(/^alice> not kept$/m);
      expect(statSync(join(dir, file)).size).toBe(size);
    },
  );

  inTerminal('is said once that it cannot be kept, and does not tear the draft', async () => {
    const { enter } = await atRoom();
    const file = join(newDir(), 'file');
    writeFileSync(file, '');
    const alice = await enter({ columns: 120, by: ['env', `XDG_STATE_HOME=${file}`] });
    for (const text of ['one', 'two']) {
      await alice.type(text);
      await alice.press('Enter');
      await alice.shows(new RegExp(`alice: ${text}$`, 'm'));
    }
    const shown = await alice.shows(/alice: two\nalice>$/);
    expect(shown.match(/what is entered cannot be kept in .*/g)).toHaveLength(1);
  });
});

describe('another program in the same terminal', () => {
  inTerminal('an editor gets the draft; what comes meanwhile is shown when it is closed', async () => {
    const { room, enter, say } = await atRoom();
    const go = join(newDir(), 'go');
    const editor = join(newDir(), 'editor.sh');
    const seen = join(newDir(), 'seen');
    writeFileSync(
      editor,
      `stat -c %a "$1" > ${seen}; cat "$1" >> ${seen}; echo "$1" >> ${seen}; echo EDITING; read x; echo "$x edited" >> "$1"; touch ${go}\n`,
    );
    const alice = await enter({ columns: 80, by: ['env', `VISUAL=sh ${editor}`] });
    const bob = await joinPeer(room, 'bob');
    await alice.shows(/bob joined/);
    await alice.type('a draft');
    await alice.press('C-x', 'C-e');
    await alice.shows(/^EDITING$/m);
    say(bob, 'meanwhile');
    const ear = await joinPeer(room, 'ear');
    await ear.heard.until(({ text }) => text.includes('WELCOME'));
    expect(await alice.screen()).not.toMatch(/meanwhile/);
    await alice.type('well');
    await alice.press('Enter');
    await alice.shows(/bob: meanwhile\n(?:.*\n)?alice> a draft\n> well edited$/);
    const [mode, text, file = ''] = readFileSync(seen, 'utf8').split('\n');
    expect([mode, text]).toStrictEqual(['600', 'a draft']);
    expect(() => statSync(file)).toThrow('ENOENT');
    await alice.press('Enter');
    await alice.shows(/alice: a draft/);

    await alice.type('/edit of this');
    await alice.press('Enter');
    await alice.shows(/^EDITING[^]*^EDITING$/m);
    await alice.type('now');
    await alice.press('Enter');
    await alice.shows(/^alice> of this\n> now edited$/m);
  });

  inTerminal('Ctrl-Z gives it to the shell, and fg draws the draft again', async () => {
    const { enter } = await atRoom();
    const alice = await enter({
      by: ['bash', '--norc', '-ic', '"$@"; echo in the shell; read x; fg > /dev/null', 'bash'],
    });
    await alice.type('half a thought');
    await alice.shows(/^alice> half a thought$/m);
    await alice.press('C-z');
    const shown = await alice.shows(/^in the shell$/m);
    expect(shown).not.toMatch(/half a thought/);
    await alice.type('echoed');
    await alice.shows(/^echoed$/m);
    await alice.press('Enter');
    await alice.shows(/^alice> half a thought$/m);
    await alice.type('!');
    await alice.shows(/^alice> half a thought!$/m);
  });
});

describe('the terminal is given back', () => {
  inTerminal('when the relay ends it for good, and the draft is shown', async () => {
    const { port, say } = await startHostileRelay(GREETING, welcomeWith('log=l durability=disk'));
    const alice = await openTerminal(['join', through(port, newRoom(1)).text, '--nick', 'alice'], {
      columns: 80,
    });
    await alice.shows(/you are in/);
    await alice.type('half a thought');
    await alice.shows(/^alice> half a thought$/m);
    say('ERR nick-taken alice is somebody else');
    await alice.shows(/^-- not sent:\nhalf a thought\nrxchat: refused: .*nick-taken[^]*^exit 4$/m);
    await alice.type('echoed');
    await alice.shows(/^echoed$/m);
  });

  const fault = `process.on('SIGUSR2', () => { throw new Error('lost') });`;

  inTerminal.each(['TERM', 'HUP', 'USR2'])('after SIG%s, and the draft is shown', async (signal) => {
    const { enter } = await atRoom();
    const pid = join(newDir(), 'pid');
    const state = newDir();
    const alice = await enter({
      columns: 80,
      by: [
        'env',
        `XDG_STATE_HOME=${state}`,
        `NODE_OPTIONS=--import=data:text/javascript,${encodeURIComponent(fault)}`,
        'sh',
        '-c',
        `echo $$ > ${pid}; exec "$@"`,
        'sh',
      ],
    });
    const written = await alice.record();
    await alice.type('half a thought');
    await alice.shows(/^alice> half a thought$/m);
    process.kill(Number(readFileSync(pid, 'utf8')), `SIG${signal}`);
    await alice.shows(/^-- not sent:\nhalf a thought\n[^]*^exit \d+$/m);
    await written('\x1b[?2004l');
    await alice.type('echoed');
    await alice.shows(/^echoed$/m);

    const again = await enter({ by: ['env', `XDG_STATE_HOME=${state}`] });
    await again.press('Up');
    await again.shows(/^alice> half a thought$/m);
  });
});
