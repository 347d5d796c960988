import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { sharedByTests } from './support/sharedByTests.js';
import { expectGolden } from './support/golden.js';
import { GREETING, startHostileRelay, welcomeWith } from './support/hostileRelay.js';
import { joinRaw, type RawMember, seal } from './support/rawClient.js';
import { newRoom, startRelay, viaPort } from './support/relay.js';
import { hasTmux, openTerminal, type Terminal, type TerminalOptions } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux)
    console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about the input line');
});
afterEach(cleanUp);

const sharedRelay = sharedByTests(() => startRelay());

const atRoom = async () => {
  const relay = await sharedRelay();
  const room = newRoom(relay.port);
  const enter = async (options: TerminalOptions = {}, ...flags: readonly string[]): Promise<Terminal> => {
    const terminal = await openTerminal(['join', room.text, '--nick', 'alice', ...flags], options);
    await terminal.waitFor(/you are in/);
    return terminal;
  };
  return { room, enter, send: (peer: RawMember, text: string) => peer.writeLines(seal(peer, text)) };
};

const CHINESE = '日本語のとても長い一行が端で折り返される';
const lines = (n: number) => Array.from({ length: n }, (_, at) => `line ${at + 1}`).join('\n');

describe('the input line matches its golden screens', () => {
  inTerminal.each([40, 80])('%d columns: a draft in the middle of a conversation', async (columns) => {
    const { room, enter, send: sendLines } = await atRoom();
    const alice = await enter({ columns });
    const bob = await joinRaw(room, 'bob');
    await alice.waitFor(/bob joined/);
    await alice.type('a draft that is long enough for two rows, whatever the screen may be: eighty');
    sendLines(bob, 'hello alice');
    await alice.press('M-b', 'Left');
    await expectGolden(alice, `draft-${columns}`, /bob: hello alice\nalice> a draft/);
  });

  inTerminal('CJK and emoji: wrapped at the edge, and corrected in the middle', async () => {
    const { room, enter, send: sendLines } = await atRoom();
    const alice = await enter({ columns: 40 });
    const bob = await joinRaw(room, 'bob');
    await alice.type(`${CHINESE} 👨‍👩‍👧‍👦👍🏽 e\u0301`);
    await alice.press('Left', 'Left', 'Left', 'BSpace');
    sendLines(bob, '日本語 👍🏽');
    await expectGolden(alice, 'wide', /日本語 👍/u);
  });

  inTerminal('several lines, with the cursor in one of them', async () => {
    const { enter } = await atRoom();
    const alice = await enter({ columns: 40 });
    await alice.type('first line');
    await alice.press('M-Enter');
    await alice.type('the second');
    await alice.press('M-Enter', 'Up', 'Up', 'C-e');
    await expectGolden(alice, 'lines', /^> the second$/m);
    await alice.type('!');
    await alice.press('Enter');
    await alice.waitFor(/alice: first line!/);
  });

  inTerminal('Ctrl-R', async () => {
    const { enter } = await atRoom();
    const alice = await enter({ columns: 60 });
    for (const text of ['apple pie', 'banana', 'apple cake']) {
      await alice.type(text);
      await alice.press('Enter');
      await alice.waitFor(new RegExp(`alice: ${text}`));
    }
    await alice.type('half');
    await alice.press('C-r');
    await alice.type('apple');
    await alice.press('C-r');
    await expectGolden(alice, 'search', /search 'apple'\): apple pie/);
    await alice.press('C-g');
    await alice.waitFor(/^alice> half$/m);
  });

  inTerminal('a paste, which is never sent by itself, and a large one', async () => {
    const { enter } = await atRoom();
    const alice = await enter({ columns: 60 });
    await alice.paste('one\ntwo\tand\n');
    await expectGolden(alice, 'paste', /^> two {5}and$/m);
    await alice.press('C-c');
    await alice.type('look: ');
    await alice.paste(lines(7));
    await alice.type('leaked?');
    await alice.press('Enter');
    await expectGolden(alice, 'paste-asked', /7 lines pasted/);
    await alice.type('4');
    await alice.waitFor(/^alice> look:$/m);
    await alice.paste(lines(7));
    await alice.type('2');
    const screen = await alice.waitFor(/alice: line 7\nalice>$/);
    expect(screen.match(/alice: /g)).toHaveLength(7);
    expect(screen).toMatch(/alice: look: line 1\n/);
  });

  inTerminal('a resize, narrower and wider again', async () => {
    const { room, enter, send: sendLines } = await atRoom();
    const alice = await enter({ columns: 60 });
    const bob = await joinRaw(room, 'bob');
    sendLines(bob, 'before');
    await alice.waitFor(/bob: before/);
    await alice.type(`${CHINESE} and some more that goes on and on`);
    await alice.waitFor(/on and on$/);
    // The terminal rewraps its rows before we know of it, so the test waits for our drawing.
    await alice.resize(33, 15);
    await alice.waitFor(/ and some more that\n goes on and on$/);
    await alice.type('!');
    await expectGolden(alice, 'resize-33', /!$/);
    await alice.resize(70, 15);
    await alice.waitFor(/ and some more that goe\ns on and on!$/);
    await alice.type('?');
    sendLines(bob, 'after');
    await expectGolden(alice, 'resize-70', /bob: after[^]*\?$/);
  });

  inTerminal('a draft taller than the screen', async () => {
    const { room, enter, send: sendLines } = await atRoom();
    const alice = await enter({ columns: 40, rows: 8 });
    const bob = await joinRaw(room, 'bob');
    await alice.paste(lines(20));
    await alice.type('3');
    await alice.waitFor(/^> line 20$/m);
    sendLines(bob, 'still there');
    await expectGolden(alice, 'tall', /bob: still there\n> line 14/);
    await alice.press('Enter');
    await alice.waitFor(/ line 20\nalice>$/);
  });
});

describe('the input history of the input line', () => {
  inTerminal(
    'contains earlier lines in the next run of the same invite, except those that begin with a space',
    async () => {
      const { enter } = await atRoom();
      const state = tempDir();
      const by = ['env', `XDG_STATE_HOME=${state}`];
      const alice = await enter({ wrapper: by });
      for (const text of ['first word', ' secret', 'last word']) {
        await alice.type(text);
        await alice.press('Enter');
        await alice.waitFor(new RegExp(`alice: ${text}`));
      }
      await alice.press('C-d');
      await alice.waitFor(/^exit 0$/m);

      const dir = join(state, 'rxchat', 'input');
      const [file = ''] = readdirSync(dir);
      expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
      expect(readFileSync(join(dir, file), 'utf8')).not.toMatch(/word|secret/);

      const again = await enter({ wrapper: by });
      await again.press('Up');
      await again.waitFor(/^alice> last word$/m);
      await again.press('Up');
      await again.waitFor(/^alice> first word$/m);
      await again.press('C-c', 'C-d');
      await again.waitFor(/^exit 0$/m);

      const size = statSync(join(dir, file)).size;
      const off = await enter({ wrapper: by }, '--no-history');
      await off.type('not kept');
      await off.press('Enter');
      await off.waitFor(/alice: not kept/);
      await off.press('Up', 'Up');
      await off.waitFor(/^alice> not kept$/m);
      expect(statSync(join(dir, file)).size).toBe(size);
    },
  );

  inTerminal('causes one message when it cannot be stored, and the draft stays intact', async () => {
    const { enter } = await atRoom();
    const file = join(tempDir(), 'file');
    writeFileSync(file, '');
    const alice = await enter({ columns: 120, wrapper: ['env', `XDG_STATE_HOME=${file}`] });
    for (const text of ['one', 'two']) {
      await alice.type(text);
      await alice.press('Enter');
      await alice.waitFor(new RegExp(`alice: ${text}$`, 'm'));
    }
    const screen = await alice.waitFor(/alice: two\nalice>$/);
    expect(screen.match(/cannot save the input history in .*/g)).toHaveLength(1);
  });
});

describe('another program in the same terminal', () => {
  inTerminal('gets the draft if it is an editor, and new messages are shown when it exits', async () => {
    const { room, enter, send: sendLines } = await atRoom();
    const go = join(tempDir(), 'go');
    const editor = join(tempDir(), 'editor.sh');
    const seen = join(tempDir(), 'seen');
    writeFileSync(
      editor,
      `stat -c %a "$1" > ${seen}; cat "$1" >> ${seen}; echo "$1" >> ${seen}; echo EDITING; read x; echo "$x edited" >> "$1"; touch ${go}\n`,
    );
    const alice = await enter({ columns: 80, wrapper: ['env', `VISUAL=sh ${editor}`] });
    const bob = await joinRaw(room, 'bob');
    await alice.waitFor(/bob joined/);
    await alice.type('a draft');
    await alice.press('C-x', 'C-e');
    await alice.waitFor(/^EDITING$/m);
    sendLines(bob, 'meanwhile');
    const listener = await joinRaw(room, 'ear');
    await listener.output.until(({ text }) => text.includes('WELCOME'));
    expect(await alice.screen()).not.toMatch(/meanwhile/);
    await alice.type('well');
    await alice.press('Enter');
    await alice.waitFor(/bob: meanwhile\n(?:.*\n)?alice> a draft\n> well edited$/);
    const [mode, text, file = ''] = readFileSync(seen, 'utf8').split('\n');
    expect([mode, text]).toStrictEqual(['600', 'a draft']);
    expect(() => statSync(file)).toThrow('ENOENT');
    await alice.press('Enter');
    await alice.waitFor(/alice: a draft/);

    await alice.type('/edit of this');
    await alice.press('Enter');
    await alice.waitFor(/^EDITING[^]*^EDITING$/m);
    await alice.type('now');
    await alice.press('Enter');
    await alice.waitFor(/^alice> of this\n> now edited$/m);
  });

  inTerminal('gets the terminal on Ctrl-Z if it is the shell, and fg redraws the draft', async () => {
    const { enter } = await atRoom();
    const alice = await enter({
      wrapper: ['bash', '--norc', '-ic', '"$@"; echo in the shell; read x; fg > /dev/null', 'bash'],
    });
    await alice.type('half a thought');
    await alice.waitFor(/^alice> half a thought$/m);
    await alice.press('C-z');
    const screen = await alice.waitFor(/^in the shell$/m);
    expect(screen).not.toMatch(/half a thought/);
    await alice.type('echoed');
    await alice.waitFor(/^echoed$/m);
    await alice.press('Enter');
    await alice.waitFor(/^alice> half a thought$/m);
    await alice.type('!');
    await alice.waitFor(/^alice> half a thought!$/m);
  });
});

describe('the terminal is restored', () => {
  inTerminal('when the relay ends the session for good, and the draft is shown', async () => {
    const { port, send } = await startHostileRelay(GREETING, welcomeWith('log=l durability=disk'));
    const alice = await openTerminal(['join', viaPort(port, newRoom(1)).text, '--nick', 'alice'], {
      columns: 80,
    });
    await alice.waitFor(/you are in/);
    await alice.type('half a thought');
    await alice.waitFor(/^alice> half a thought$/m);
    send('ERR nick-taken alice is somebody else');
    await alice.waitFor(/^-- not sent:\nhalf a thought\nrxchat: refused: .*nick-taken[^]*^exit 4$/m);
    await alice.type('echoed');
    await alice.waitFor(/^echoed$/m);
  });

  const fault = `process.on('SIGUSR2', () => { throw new Error('lost') });`;

  inTerminal.each(['TERM', 'HUP', 'USR2'])('after SIG%s, and the draft is shown', async (signal) => {
    const { enter } = await atRoom();
    const pid = join(tempDir(), 'pid');
    const state = tempDir();
    const alice = await enter({
      columns: 80,
      wrapper: [
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
    await alice.waitFor(/^alice> half a thought$/m);
    process.kill(Number(readFileSync(pid, 'utf8')), `SIG${signal}`);
    await alice.waitFor(/^-- not sent:\nhalf a thought\n[^]*^exit \d+$/m);
    await written('\x1b[?2004l');
    await alice.type('echoed');
    await alice.waitFor(/^echoed$/m);

    const again = await enter({ wrapper: ['env', `XDG_STATE_HOME=${state}`] });
    await again.press('Up');
    await again.waitFor(/^alice> half a thought$/m);
  });
});
