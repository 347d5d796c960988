import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { UNSAFE, UNSAFE_EXCEPT_TAB } from '../support/clientEvents.js';
import { type Child, run, rxchat, start, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import {
  GREETING,
  HOSTILE,
  HOSTILE_NICK,
  SAFE_PREFIX,
  SAFE_NICK,
  startHostileRelay,
  welcomeWith,
} from './support/hostileRelay.js';
import { connectRaw, fakeToken, seal, sealAs, newSender } from './support/rawClient.js';
import { newRoom, type Room, startRelay, viaPort } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { lineCount, lineWith } from './support/streamOutput.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(cleanUp);

/** Expects only text and newlines, and no U+FFFD, so that the decoded text is what was written. */
const isSafe = (text: string, unsafe = UNSAFE): void => {
  for (const each of text.split('\n')) expect(each).not.toMatch(unsafe);
  expect(text).not.toMatch(/\ufffd|\p{M}{9}/u);
};

const sentSafely = ({ out, err }: Pick<Child, 'out' | 'err'>, screen: string): void => {
  isSafe(out.text, UNSAFE_EXCEPT_TAB);
  isSafe(err.text);
  expect(out.text + err.text).toContain(screen);
};

/** Everything that a relay and a member can send during a conversation. */
const everything = (room: Room): string[] => {
  const member = newSender(room, HOSTILE_NICK);
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

/** A room at a relay that sends all of that to each member. */
const hostileRoom = async (): Promise<Room> => {
  const room = newRoom(1);
  const { port } = await startHostileRelay(GREETING, MEMBERS, ...everything(room));
  return viaPort(port, room);
};

describe('no escape sequence of a hostile relay or member reaches the terminal', () => {
  test('in the output and notes of listen', async () => {
    const { text } = await hostileRoom();
    const listener = rxchat(['listen', text, '--nick', 'ear']);
    await Promise.all([
      listener.err.until(lineWith('left')),
      listener.err.until(lineWith('first message from')),
      listener.out.until(lineCount(3)),
    ]);
    sentSafely(listener, `${SAFE_NICK}: ${SAFE_PREFIX}`);
    // A first message is reported. An announced word that is no nick is a count.
    expect(listener.err.text).toContain(`first message from ${SAFE_NICK.replaceAll('␠', ' ')}`);
    expect(listener.err.text).toContain('1 member joined');
  });

  test('in JSON, which still carries the exact text', async () => {
    const { text } = await hostileRoom();
    const listener = rxchat(['listen', text, '--nick', 'ear', '--json', '-n', '3']);
    expect(await listener.exit).toBe(0);
    for (const each of listener.out.lines) expect(each).not.toMatch(UNSAFE);
    isSafe(listener.err.text);
    const sent = listener.out.lines
      .map((each) => JSON.parse(each) as { type: string; text: string; from: object })
      .filter(({ type }) => type === 'message');
    expect(sent.map((each) => each.text)).toStrictEqual([HOSTILE, `one ${HOSTILE}`, 'two']);
    for (const { from } of sent) expect(from).toMatchObject({ nick: HOSTILE_NICK });
  });

  test('in the output of join in a pipe', async () => {
    const { text } = await hostileRoom();
    const joined = rxchat(['join', text, '--nick', 'alice']);
    await joined.out.until(lineWith('<--'));
    sentSafely(joined, `-- you are in, with ${SAFE_PREFIX.slice(0, 20)}`);
    sentSafely(joined, `${SAFE_NICK}: ${SAFE_PREFIX}`);
    expect(joined.out.lines.filter((each) => each.includes('h␛[31m')).length).toBeGreaterThanOrEqual(5);
  });

  test.each<[string, string, string]>([
    ['an error in place of WELCOME', GREETING, `ERR code${HOSTILE} text ${HOSTILE}`],
    ['an error in place of NICK', `ERR code${HOSTILE} text ${HOSTILE}`, ''],
    ['another protocol', `NICK ${HOSTILE} nonce=${HOSTILE}`, ''],
    ['no protocol', HOSTILE, ''],
    ['an invalid log id', GREETING, welcomeWith(`log=${HOSTILE}`)],
    ['invalid fields', GREETING, welcomeWith(`log=l durability=${HOSTILE}`)],
    ['an invalid line', GREETING, `${MEMBERS}\n${HOSTILE}`],
  ])('in the reason why send, listen and join end: %s', async (_, first, ...answers) => {
    const { port } = await startHostileRelay(first, ...answers);
    const { text } = newRoom(port);
    for (const args of [
      ['send', text, '-m', 'x', '--timeout', '2s'],
      ['listen', text, '--no-retry'],
      ['join', text, '--nick', 'a', '--timeout', '2s'],
    ]) {
      const { code, out, err } = await runShared(args, { input: 'x\n' });
      // Messages of a joined client may have been received: exit code 7.
      const mayBeStored = args[0] !== 'listen' && answers.some((each) => each.startsWith(MEMBERS));
      expect(mayBeStored ? [3, 4, 7] : [3, 4]).toContain(code);
      isSafe(out);
      isSafe(err);
      expect(err).toMatch(/^rxchat: /m);
      if ([first, ...answers].some((each) => each.startsWith('ERR')))
        expect(err).toContain(`refused: text ${SAFE_PREFIX}`);
    }
  });

  test('in errors about arguments, which may be file names of others', async () => {
    // An argument cannot hold a NUL.
    const name = HOSTILE.replaceAll('\0', '').slice(0, 60);
    const { text } = newRoom(1);
    for (const args of [
      [name],
      ['listen', `--${name}`],
      ['listen', name],
      ['listen', '--invite-file', join(tempDir(), name)],
      ['listen', text, '--nick', name],
      ['listen', text, '--fernet-engine', name],
      ['join', '--host', name],
      ['serve', '--window', name],
      ['check', '--data', `/dev/null/${name}`],
    ]) {
      const { out, err } = await runShared(args);
      isSafe(out);
      isSafe(err);
      expect(out + err).not.toBe('');
    }
  });

  test('in what a relay logs about clients', async () => {
    const { child, port } = await startRelay('--log-level', 'trace');
    for (const sent of [HOSTILE, `NICK ${HOSTILE}`, `NICK a room=${HOSTILE}`, `NICK a${HOSTILE} room=x`]) {
      const peer = await connectRaw(port);
      peer.writeLines(sent);
      await peer.closed;
    }
    await child.err.until(({ lines }) => lines.filter((each) => each.includes('rejected')).length === 4);
    isSafe(child.err.text);
    isSafe(child.out.text);
  });

  test('in the log itself, even if such a nick were admitted', async () => {
    const member = { nick: HOSTILE, room: HOSTILE, connection: { peer: HOSTILE } };
    const log = `
      import { eventLogger, openRelayLog } from ${JSON.stringify(new URL('../../dist/src/cli/commands/serve/relayLog.js', import.meta.url))};
      const opened = openRelayLog('trace', 'json').subscribe((log) => {
        const event = { type: 'disconnected', member: ${JSON.stringify(member)}, reason: ${JSON.stringify(HOSTILE)} };
        eventLogger(log)(event);
        setImmediate(() => opened.unsubscribe());
      });`;
    const { err, exit } = start(process.execPath, ['--input-type=module', '--eval', log]);
    expect(await exit).toBe(0);
    isSafe(err.text.replaceAll('\u0301', ''));
    const { nick, room, peer, reason } = JSON.parse(err.text) as Record<string, string>;
    expect([nick, room, peer, reason]).toStrictEqual([HOSTILE, HOSTILE, HOSTILE, HOSTILE]);
  });

  test('in a crash: any thrown error is printed as one sanitized line', async () => {
    // As soon as it reports that it listens, an uncaught error is thrown in it.
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

describe('join in a terminal', () => {
  const hasOne = hasTmux();
  beforeAll(async () => {
    if (!(await hasOne)) console.warn('NOT TESTED: there is no tmux on this machine');
  });

  test.each([
    ['those that draw its input line', []],
    ['those of its input line and of requested notifications', ['--bell', 'all', '--notify', 'osc777']],
  ])('writes no sequence but %s', async (_, flags) => {
    if (!(await hasOne)) return;
    const room = newRoom(1);
    const { port, send } = await startHostileRelay(GREETING, welcomeWith('log=l durability=disk'));
    const alice = await openTerminal(['join', viaPort(port, room).text, '--nick', 'alice', ...flags], {
      columns: 400,
    });
    await alice.waitFor(/you are in/);
    const written = await alice.record();
    send(...everything(room), seal(newSender(room, 'bob'), 'the end, alice'));
    await alice.waitFor(/bob: the end, alice/);
    for (const entered of ['/topic', '/who', '/history', '/search owned', '/verify x']) {
      await alice.type(entered);
      await written(`alice> ${entered}`);
      await alice.press('Enter');
    }
    const raw = await written('it has not sent a message yet');
    // A mention rings the bell; a notification is one sequence that others cannot terminate.
    const bytes = raw.replaceAll(
      // eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
      /\x1bPtmux;\x1b\x1b\]777;notify;[^\x00-\x1f\x7f;]*;[^\x00-\x1f\x7f;]*\x07\x1b\\|\x07/g,
      '',
    );
    expect(raw.includes('\x1b]777;')).toBe(flags.length > 0);
    expect(raw).toContain('\x07');
    // Allowed sequences: cursor up and down, save and restore cursor, erase in line and below, wrap mode. Text is
    // bold, dim, or has the colour of a key.
    const ours = /^(?:[78]|\[(?:\d*[ABJK]|\?7[hl]|(?:1|2|22|39|38;5;\d+)m))/;
    // eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
    const [head = '', ...rendered] = bytes.replaceAll(/\r+(?=\n|\x1b|alice> )/g, '').split('\x1b');
    expect(rendered.length).toBeGreaterThan(0);
    for (const each of rendered) expect(each).toMatch(ours);
    isSafe(head + rendered.map((each) => each.replace(ours, '')).join(''));
    // eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
    const text = bytes.replaceAll(/\x1b\[[\d;]+m/g, '');
    expect(text).toContain(`${SAFE_NICK}: ${SAFE_PREFIX}`);
    expect(text).toContain(`set the topic: topic ${SAFE_PREFIX}`);
  });
});
