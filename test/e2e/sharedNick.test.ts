import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { type Child, stopProcess, tempDir, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, type Relay, type Room, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { lineWith } from './support/streamOutput.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(cleanUp);

/** A home directory with a nick in the config file, as described in README. */
const person = (nick: string): string => {
  const dir = tempDir();
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ clients: { nick } }), { mode: 0o600 });
  return dir;
};

const at = (home: string) => ({ env: { RXCHAT_HOME: home } });

/** The joins of a nick in the log of the relay. */
const joins = (relay: Relay, nick: string): number =>
  relay.child.err.lines.filter((each) => each.includes(`"nick":"${nick}"`) && each.includes('"msg":"joined"'))
    .length;

const joinedTimes = (relay: Relay, nick: string, times: number) =>
  relay.child.err.until(() => (joins(relay, nick) >= times ? true : undefined));

/** A listener that prints all events as JSON. */
const receive = async (relay: Relay, { text }: Room, ...flags: string[]): Promise<Child> => {
  const listener = rxchat(['listen', text, '--nick', 'ear', '--json', '--events', '--after', '0', ...flags], {
    env: { RXCHAT_HOME: tempDir() },
  });
  await relay.joined('ear');
  return listener;
};

const ALARMS = /"type":"(alarm|key-changed)"/;

test('the nick of a config file is shared by all commands of its owner, and joins and leaves once', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const alice = person('alice');
  const listener = await receive(relay, room);

  const listening = rxchat(['listen', room.text], at(alice));
  await joinedTimes(relay, 'alice', 1);
  const speaking = rxchat(['send', room.text], at(alice));
  await joinedTimes(relay, 'alice', 2);
  speaking.writeInput('from the pipe\n');
  const once = await runShared(['send', room.text, '-m', 'from a script'], at(alice));
  expect([once.code, once.err]).toStrictEqual([0, '']);
  speaking.writeInput('and again\n');
  await listening.out.until(lineWith('and again'));
  speaking.endInput();
  expect(await speaking.exit).toBe(0);
  listening.signal('SIGINT');
  await listener.out.until(lineWith('"type":"left"', 'alice'));

  expect([...listening.out.lines].sort()).toStrictEqual([
    'alice: and again',
    'alice: from a script',
    'alice: from the pipe',
  ]);
  expect(listening.err.text).not.toContain('alarm');
  const events = listener.out.lines.filter((each) => /"nicks":\["alice"\]/.test(each));
  expect(events.map((each) => /"type":"(\w+)"/.exec(each)?.[1])).toStrictEqual(['joined', 'left']);
  expect(listener.out.text).not.toMatch(ALARMS);
});

test('another user is refused the nick, and gets a hint', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  rxchat(['listen', room.text], at(person('alice')));
  await relay.joined('alice');
  const mallory = person('Alice');
  const other = await runShared(['send', room.text, '-m', 'hello'], at(mallory));
  expect(other.code).toBe(4);
  expect(other.err).toMatch(
    /config\.json:1: clients\.nick: refused: the nick is taken in this room \(nick-taken\); nothing was sent \(0 of 1\)\nrxchat: hint: choose another with --nick; .*identity\.pem/,
  );
});

test('a client that was cut off silently is back at once', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const alice = person('alice');
  const listener = await receive(relay, room);
  const frozen = rxchat(['listen', room.text], at(alice));
  await relay.joined('alice');
  await stopProcess(frozen);
  const back = await runShared(['send', room.text, '-m', 'it is me'], at(alice));
  expect([back.code, back.err]).toStrictEqual([0, '']);
  await listener.out.until(lineWith('it is me'));
  expect(listener.out.text).not.toContain('"left"');
  expect(listener.out.text).not.toMatch(ALARMS);
  frozen.signal('SIGCONT');
});

test('two concurrent senders of one person raise no alarm, and everything is stored once', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const alice = person('alice');
  const lines = (mark: string) => Array.from({ length: 2000 }, (_, n) => `${mark}${n}\n`).join('');
  const ran = await Promise.all(
    ['a', 'b', 'c'].map((mark) => runShared(['send', room.text], { ...at(alice), input: lines(mark) })),
  );
  expect(ran.map(({ code, err }) => [code, err])).toStrictEqual([
    [0, ''],
    [0, ''],
    [0, ''],
  ]);
  const listener = await runShared(
    ['listen', room.text, '--after', '0', '-n', '6000', '--json', '--events'],
    {
      env: { RXCHAT_HOME: tempDir() },
    },
  );
  const texts = listener.out
    .trim()
    .split('\n')
    .flatMap((each) => (JSON.parse(each) as { text?: string }).text ?? []);
  expect([texts.length, new Set(texts).size]).toStrictEqual([6000, 6000]);
  expect(listener.out).not.toMatch(ALARMS);
});

const inTerminal = (await hasTmux()) ? test : test.skip;
if (inTerminal === test.skip) console.warn('NOT TESTED: there is no tmux on this machine');

inTerminal("two terminals of one person show each other's messages, and /nick renames only one", async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const data = tempDir();
  const join = async (nick: string, of: string) => {
    const terminal = await openTerminal(['join', room.text, '--nick', nick], {
      columns: 80,
      rows: 24,
      data: of,
    });
    await terminal.waitFor(/you are in/);
    return terminal;
  };
  const bob = await join('bob', tempDir());
  const one = await join('alice', data);
  const other = await join('alice', data);
  await one.type('from one');
  await one.press('Enter');
  await other.waitFor(/^\d\d:\d\d alice: from one$/m);
  await bob.waitFor(/^\d\d:\d\d \?alice: from one$/m);
  await one.type('/nick eve');
  await one.press('Enter');
  await one.waitFor(/^-- you are now eve$/m);
  await bob.waitFor(/^--> eve joined$/m);
  await other.type('still here');
  await other.press('Enter');
  const seen = await bob.waitFor(/^\d\d:\d\d \?alice: still here$/m);
  expect(seen).not.toMatch(/alice left/);
  await bob.type('/who');
  await bob.press('Enter');
  await bob.waitFor(/alice.*eve|eve.*alice/);
});
