import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { UNSAFE, UNSAFE_BUT_TAB } from '../support/heard.js';
import { type Child, newDir, run, rxchat, start } from './support/child.js';
import { endAll } from './support/endings.js';
import {
  GREETING,
  HOSTILE,
  HOSTILE_NICK,
  SHOWN,
  SHOWN_NICK,
  startHostileRelay,
  welcomeWith,
} from './support/hostileRelay.js';
import { connectPeer, fakeToken, seal, sealAs, speaker } from './support/peer.js';
import { newRoom, type Room, startRelay, through } from './support/relay.js';
import { count, line } from './support/said.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(endAll);

/** Nothing but text and ends of lines; no U+FFFD either, so that what was decoded is what was written. */
const isSafe = (text: string, unsafe = UNSAFE): void => {
  for (const each of text.split('\n')) expect(each).not.toMatch(unsafe);
  expect(text).not.toMatch(/\ufffd|\p{M}{9}/u);
};

const saidSafely = ({ out, err }: Pick<Child, 'out' | 'err'>, shown: string): void => {
  isSafe(out.text, UNSAFE_BUT_TAB);
  isSafe(err.text);
  expect(out.text + err.text).toContain(shown);
};

/** All that a relay and a member can say while a conversation lasts. */
const everything = (room: Room): string[] => {
  const member = speaker(room, HOSTILE_NICK);
  return [
    `+new${HOSTILE}`,
    `+x,y${HOSTILE},z${HOSTILE}`,
    seal(member, HOSTILE),
    seal(member, `one ${HOSTILE}`, 'two'),
    fakeToken(),
    `-${HOSTILE}`,
    ...(['me', 'topic', 'away', 'back'] as const).map((act) => sealAs(member, act, `${act} ${HOSTILE}`)),
    seal(member, `rows\n${HOSTILE}\nalice`),
    `PING${HOSTILE}`,
    `NEW ${HOSTILE}`,
  ];
};

const MEMBERS = welcomeWith(`log=l durability=disk members=alice,${HOSTILE},carol`);

/** A room at a relay that says all that to whoever comes in. */
const hostileRoom = async (): Promise<Room> => {
  const room = newRoom(1);
  const { port } = await startHostileRelay(GREETING, MEMBERS, ...everything(room));
  return through(port, room);
};

describe('no escape of a hostile relay or member reaches the terminal', () => {
  test('in what listen prints and notes', async () => {
    const { text } = await hostileRoom();
    const listener = rxchat(['listen', text, '--nick', 'ear']);
    await Promise.all([
      listener.err.until(line('left')),
      listener.err.until(line('is met')),
      listener.out.until(count(3)),
    ]);
    saidSafely(listener, `${SHOWN_NICK}: ${SHOWN}`);
    // Somebody is met for the first time. What is announced and is no nick is a number.
    expect(listener.err.text).toContain(`${SHOWN_NICK.replaceAll('␠', ' ')} is met`);
    expect(listener.err.text).toContain('1 member joined');
  });

  test('in JSON, which is exact all the same', async () => {
    const { text } = await hostileRoom();
    const listener = rxchat(['listen', text, '--nick', 'ear', '--json', '-n', '3']);
    expect(await listener.exit).toBe(0);
    for (const each of listener.out.lines) expect(each).not.toMatch(UNSAFE);
    isSafe(listener.err.text);
    const said = listener.out.lines
      .map((each) => JSON.parse(each) as { type: string; text: string; from: object })
      .filter(({ type }) => type === 'message');
    expect(said.map((each) => each.text)).toStrictEqual([HOSTILE, `one ${HOSTILE}`, 'two']);
    for (const { from } of said) expect(from).toMatchObject({ nick: HOSTILE_NICK });
  });

  test('in what join shows in a pipe', async () => {
    const { text } = await hostileRoom();
    const joined = rxchat(['join', text, '--nick', 'alice']);
    await joined.out.until(line('<--'));
    saidSafely(joined, `-- you are in, with ${SHOWN.slice(0, 20)}`);
    saidSafely(joined, `${SHOWN_NICK}: ${SHOWN}`);
    expect(joined.out.lines.filter((each) => each.includes('h␛[31m')).length).toBeGreaterThanOrEqual(5);
  });

  test.each<[string, string, string]>([
    ['an error in place of WELCOME', GREETING, `ERR code${HOSTILE} text ${HOSTILE}`],
    ['an error in place of NICK', `ERR code${HOSTILE} text ${HOSTILE}`, ''],
    ['another protocol', `NICK ${HOSTILE} nonce=${HOSTILE}`, ''],
    ['no protocol', HOSTILE, ''],
    ['the id of a log that is none', GREETING, welcomeWith(`log=${HOSTILE}`)],
    ['fields that are wrong', GREETING, welcomeWith(`log=l durability=${HOSTILE}`)],
    ['a line that is none', GREETING, `${MEMBERS}\n${HOSTILE}`],
  ])('in why send, listen and join end: %s', async (_, first, ...answers) => {
    const { port } = await startHostileRelay(first, ...answers);
    const { text } = newRoom(port);
    for (const args of [
      ['send', text, '-m', 'x', '--timeout', '2s'],
      ['listen', text, '--no-retry'],
      ['join', text, '--nick', 'a', '--timeout', '2s'],
    ]) {
      const { code, out, err } = await run(args, { input: 'x\n' });
      // Who was in may have been heard: 7.
      const mayBeStored = args[0] !== 'listen' && answers.some((each) => each.startsWith(MEMBERS));
      expect(mayBeStored ? [3, 4, 7] : [3, 4]).toContain(code);
      isSafe(out);
      isSafe(err);
      expect(err).toMatch(/^rxchat: /m);
      if ([first, ...answers].some((each) => each.startsWith('ERR')))
        expect(err).toContain(`refused: text ${SHOWN}`);
    }
  });

  test('in what a command says of its own arguments, which may be the names of files of others', async () => {
    // An argument cannot hold a NUL.
    const name = HOSTILE.replaceAll('\0', '').slice(0, 60);
    const { text } = newRoom(1);
    for (const args of [
      [name],
      ['listen', `--${name}`],
      ['listen', name],
      ['listen', '--invite-file', join(newDir(), name)],
      ['listen', text, '--nick', name],
      ['listen', text, '--fernet-engine', name],
      ['join', '--host', name],
      ['serve', '--window', name],
      ['check', '--data', `/dev/null/${name}`],
    ]) {
      const { out, err } = await run(args);
      isSafe(out);
      isSafe(err);
      expect(out + err).not.toBe('');
    }
  });

  test('in what a relay logs of clients', async () => {
    const { child, port } = await startRelay('--log-level', 'trace');
    for (const said of [HOSTILE, `NICK ${HOSTILE}`, `NICK a room=${HOSTILE}`, `NICK a${HOSTILE} room=x`]) {
      const peer = await connectPeer(port);
      peer.say(said);
      await peer.closed;
    }
    await child.err.until(({ lines }) => lines.filter((each) => each.includes('turned away')).length === 4);
    isSafe(child.err.text);
    isSafe(child.out.text);
  });

  test('in the log itself, were such a nick ever let in', async () => {
    const member = { nick: HOSTILE, room: HOSTILE, connection: { peer: HOSTILE } };
    const log = `
      import { logEvents } from ${JSON.stringify(new URL('../../dist/src/cli/relayLog.js', import.meta.url))};
      const log = await logEvents('trace');
      log({ type: 'left', member: ${JSON.stringify(member)}, reason: ${JSON.stringify(HOSTILE)} });`;
    const { err, exit } = start(process.execPath, ['--input-type=module', '--eval', log]);
    expect(await exit).toBe(0);
    isSafe(err.text.replaceAll('\u0301', ''));
    const { nick, room, peer, reason } = JSON.parse(err.text) as Record<string, string>;
    expect([nick, room, peer, reason]).toStrictEqual([HOSTILE, HOSTILE, HOSTILE, HOSTILE]);
  });

  test('in a crash: what is thrown anywhere is one line, made visible', async () => {
    // As soon as it says that it listens, something of it throws where nobody catches it.
    const fault = `
      const { write } = process.stdout;
      process.stdout.write = (...args) => {
        setTimeout(() => { throw new Error('lost ' + ${JSON.stringify('\x1b]0;owned\x07')}) });
        return write.apply(process.stdout, args);
      };`;
    const { code, err } = await run(['serve', '--port', '0', '--memory'], {
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fault)}` },
    });
    expect(code).toBe(1);
    isSafe(err);
    expect(err).toContain('unexpected: Error: lost ␛]0;owned␇\n');
  });
});

describe('in a terminal', () => {
  const hasOne = hasTmux();
  beforeAll(async () => {
    if (!(await hasOne)) console.warn('NOT TESTED: there is no tmux on this machine');
  });

  test.each([
    ['those that draw its input line', []],
    ['and those of the notices that it was asked for', ['--bell', 'all', '--notify', 'osc777']],
  ])('join writes no sequence but %s', async (_, flags) => {
    if (!(await hasOne)) return;
    const room = newRoom(1);
    const { port, say } = await startHostileRelay(GREETING, welcomeWith('log=l durability=disk'));
    const alice = await openTerminal(['join', through(port, room).text, '--nick', 'alice', ...flags], {
      columns: 400,
    });
    await alice.shows(/you are in/);
    const written = await alice.record();
    say(...everything(room), seal(speaker(room, 'bob'), 'the end, alice'));
    await alice.shows(/bob: the end, alice/);
    for (const entered of ['/topic', '/who', '/history', '/search owned', '/verify x']) {
      await alice.type(entered);
      await written(`alice> ${entered}`);
      await alice.press('Enter');
    }
    const raw = await written('it has not said anything yet');
    // A mention rings; a notice is one sequence, of which nobody else can write an end.
    const bytes = raw.replaceAll(
      // eslint-disable-next-line no-control-regex
      /\x1bPtmux;\x1b\x1b\]777;notify;[^\x00-\x1f\x7f;]*;[^\x00-\x1f\x7f;]*\x07\x1b\\|\x07/g,
      '',
    );
    expect(raw.includes('\x1b]777;')).toBe(flags.length > 0);
    expect(raw).toContain('\x07');
    // The cursor moves up and down, its place is kept and gone back to, rows and what is below are cleared, the terminal wraps or
    // does not; and text is bold, dim, or has the colour of a key.
    const ours = /^(?:[78]|\[(?:\d*[ABJK]|\?7[hl]|(?:1|2|22|39|38;5;\d+)m))/;
    // eslint-disable-next-line no-control-regex
    const [head = '', ...drawn] = bytes.replaceAll(/\r+(?=\n|\x1b|alice> )/g, '').split('\x1b');
    expect(drawn.length).toBeGreaterThan(0);
    for (const each of drawn) expect(each).toMatch(ours);
    isSafe(head + drawn.map((each) => each.replace(ours, '')).join(''));
    // eslint-disable-next-line no-control-regex
    const text = bytes.replaceAll(/\x1b\[[\d;]+m/g, '');
    expect(text).toContain(`${SHOWN_NICK}: ${SHOWN}`);
    expect(text).toContain(`set the topic: topic ${SHOWN}`);
  });
});
