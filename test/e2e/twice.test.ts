import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { type Child, freeze, newDir, run, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom, type Relay, type Room, startRelay } from './support/relay.js';
import { line } from './support/said.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(endAll);

/** Where somebody keeps who they are, with a nick in the config file, as README has it. */
const person = (nick: string): string => {
  const dir = newDir();
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ clients: { nick } }), { mode: 0o600 });
  return dir;
};

const at = (home: string) => ({ env: { RXCHAT_HOME: home } });

/** The joins that the relay has logged, of a nick. */
const joins = (relay: Relay, nick: string): number =>
  relay.child.err.lines.filter((each) => each.includes(`"nick":"${nick}"`) && each.includes('"msg":"joined"'))
    .length;

const joinedTimes = (relay: Relay, nick: string, times: number) =>
  relay.child.err.until(() => (joins(relay, nick) >= times ? true : undefined));

/** Somebody who hears all that there is, as JSON. */
const hear = async (relay: Relay, { text }: Room, ...flags: string[]): Promise<Child> => {
  const ear = rxchat(['listen', text, '--nick', 'ear', '--json', '--events', '--after', '0', ...flags], {
    env: { RXCHAT_HOME: newDir() },
  });
  await relay.joined('ear');
  return ear;
};

const ALARMS = /"type":"(alarm|key-changed)"/;

test('the nick of a config file is shared by all commands of its owner, and comes and goes once', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const alice = person('alice');
  const ear = await hear(relay, room);

  const listening = rxchat(['listen', room.text], at(alice));
  await joinedTimes(relay, 'alice', 1);
  const speaking = rxchat(['send', room.text], at(alice));
  await joinedTimes(relay, 'alice', 2);
  speaking.feed('from the pipe\n');
  const once = await run(['send', room.text, '-m', 'from a script'], at(alice));
  expect([once.code, once.err]).toStrictEqual([0, '']);
  speaking.feed('and again\n');
  await listening.out.until(line('and again'));
  speaking.endInput();
  expect(await speaking.exit).toBe(0);
  listening.signal('SIGINT');
  await ear.out.until(line('"type":"left"', 'alice'));

  expect([...listening.out.lines].sort()).toStrictEqual([
    'alice: and again',
    'alice: from a script',
    'alice: from the pipe',
  ]);
  expect(listening.err.text).not.toContain('alarm');
  const events = ear.out.lines.filter((each) => /"nicks":\["alice"\]/.test(each));
  expect(events.map((each) => /"type":"(\w+)"/.exec(each)?.[1])).toStrictEqual(['joined', 'left']);
  expect(ear.out.text).not.toMatch(ALARMS);
});

test('somebody else does not get the nick, and is told what to do', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  rxchat(['listen', room.text], at(person('alice')));
  await relay.joined('alice');
  const mallory = person('Alice');
  const other = await run(['send', room.text, '-m', 'hello'], at(mallory));
  expect(other.code).toBe(4);
  expect(other.err).toMatch(
    /config\.json:1: clients\.nick: refused: the nick is taken in this room \(nick-taken\); nothing was sent \(0 of 1\)\nrxchat: hint: choose another with --nick; .*identity\.pem/,
  );
});

test('who was cut off without a word is back at once', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const alice = person('alice');
  const ear = await hear(relay, room);
  const frozen = rxchat(['listen', room.text], at(alice));
  await relay.joined('alice');
  await freeze(frozen);
  const back = await run(['send', room.text, '-m', 'it is me'], at(alice));
  expect([back.code, back.err]).toStrictEqual([0, '']);
  await ear.out.until(line('it is me'));
  expect(ear.out.text).not.toContain('"left"');
  expect(ear.out.text).not.toMatch(ALARMS);
  frozen.signal('SIGCONT');
});

test('two senders of one person at once raise no alarm, and all is stored once', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const alice = person('alice');
  const lines = (mark: string) => Array.from({ length: 2000 }, (_, n) => `${mark}${n}\n`).join('');
  const ran = await Promise.all(
    ['a', 'b', 'c'].map((mark) => run(['send', room.text], { ...at(alice), input: lines(mark) })),
  );
  expect(ran.map(({ code, err }) => [code, err])).toStrictEqual([
    [0, ''],
    [0, ''],
    [0, ''],
  ]);
  const ear = await run(['listen', room.text, '--after', '0', '-n', '6000', '--json', '--events'], {
    env: { RXCHAT_HOME: newDir() },
  });
  const texts = ear.out
    .trim()
    .split('\n')
    .flatMap((each) => (JSON.parse(each) as { text?: string }).text ?? []);
  expect([texts.length, new Set(texts).size]).toStrictEqual([6000, 6000]);
  expect(ear.out).not.toMatch(ALARMS);
});

const inTerminal = (await hasTmux()) ? test : test.skip;
if (inTerminal === test.skip) console.warn('NOT TESTED: there is no tmux on this machine');

inTerminal(
  'two terminals of one person: each shows what the other says, and /nick moves only one',
  async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const data = newDir();
    const sit = async (nick: string, of: string) => {
      const terminal = await openTerminal(['join', room.text, '--nick', nick], {
        columns: 80,
        rows: 24,
        data: of,
      });
      await terminal.shows(/you are in/);
      return terminal;
    };
    const bob = await sit('bob', newDir());
    const one = await sit('alice', data);
    const other = await sit('alice', data);
    await one.type('from one');
    await one.press('Enter');
    await other.shows(/^\d\d:\d\d alice: from one$/m);
    await bob.shows(/^\d\d:\d\d \?alice: from one$/m);
    await one.type('/nick eve');
    await one.press('Enter');
    await one.shows(/^-- you are eve now$/m);
    await bob.shows(/^--> eve joined$/m);
    await other.type('still here');
    await other.press('Enter');
    const seen = await bob.shows(/^\d\d:\d\d \?alice: still here$/m);
    expect(seen).not.toMatch(/alice left/);
    await bob.type('/who');
    await bob.press('Enter');
    await bob.shows(/alice.*eve|eve.*alice/);
  },
);
