import { afterEach, describe, expect, test } from '@jest/globals';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../fuzz/random.js';
import { withPython } from '../support/python.js';
import {
  type Guest,
  KEY,
  ours,
  type Server,
  startOurs,
  startTheirs,
  theirs,
  until,
} from './support/classic/chat.js';
import { newDir, run, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { type Pass, startProxy } from './support/proxy.js';
import { startRelay } from './support/relay.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(endAll);

const tmux = await hasTmux();
if (!tmux) console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about terminals');
const inTerminal = tmux ? test : test.skip;
const testWithPython = withPython('no client and no server of the older chat was met');

/** Lets somebody in, and waits until everyone who is there knows. */
const enter = async (guest: Guest, server: Server, others: readonly Guest[]): Promise<void> => {
  await server.joined(guest.nick);
  await until(guest, () => guest.notices().includes('Connected to the server.'));
  for (const other of others)
    await until(other, () => other.notices().includes(`${guest.nick} joined the chat.`));
};

describe.each([
  ['our server', startOurs, 'never'],
  ['a server as the older program’s, which sends back to whoever spoke', startTheirs, 'itself'],
])('%s', (_, startServer, echo) => {
  testWithPython('has five of the older clients and five of ours in one chat', async () => {
    const server = await startServer();
    const guests: Guest[] = [];
    for (const [nick, client] of [
      ['José', ours],
      ['Zoë', theirs],
      ['Ægir', theirs],
      ['Ünal', ours],
      ['日本', theirs],
      ['élan', ours],
      ['bob', theirs],
      ['carol', ours],
      ['d-_=x', theirs],
      ['Ёжик', ours],
    ] as const) {
      const guest = client(server.port, nick);
      await enter(guest, server, guests);
      guests.push(guest);
    }

    // Of every length of padding, and as long as an older client can read.
    const texts = [1, 2, 15, 16, 31, 32, 47, 48, 300, 2990].map((length) =>
      'é'.repeat(length).slice(0, length),
    );
    const said: string[] = [];
    for (const [n, text] of texts.entries()) {
      const speaker = guests[n]!;
      const bytes = text.length > 1000 ? 'x'.repeat(3007 - Buffer.byteLength(`${speaker.nick}: `)) : text;
      said.push(`${speaker.nick}: ${bytes}`);
      speaker.say(bytes);
      for (const other of guests)
        await until(other, () => other === speaker || other.messages().includes(said.at(-1)!));
    }

    for (const [n, guest] of guests.entries()) {
      const isOurs = guest.child.out.lines.some((each) => each.startsWith('-- '));
      // Ours shows its own once, whether the server sends it back or not; an older one shows what it reads.
      const others = said.filter((_text, at) => at !== n || isOurs || echo === 'itself');
      await until(guest, () => guest.messages().length >= others.length);
      expect(guest.messages()).toStrictEqual(others);
    }

    const [first, second] = guests as [Guest, Guest];
    second.child.endInput();
    await until(first, () => first.notices().includes(`${second.nick} left the chat.`));
    first.child.endInput();
    expect(await first.child.exit).toBe(0);
  });

  testWithPython('passes on a pipe of ours, line by line or several at once', async () => {
    const server = await startServer();
    const ear = rxchat(
      ['listen', '--wire', 'classic', '--port', String(server.port), '--nick', 'ear', '-n', '30', '--json'],
      { env: { RXCHAT_KEY: KEY } },
    );
    await server.joined('ear');
    const lines = Array.from({ length: 30 }, (_line, n) => `${n} ${'x'.repeat(n)}`);
    const sent = await run(['send', '--wire', 'classic', '--port', String(server.port), '--gap', '30ms'], {
      input: lines.join('\n'),
      env: { RXCHAT_KEY: KEY },
    });
    expect(sent.code).toBe(0);
    expect(await ear.exit).toBe(0);
    expect(ear.out.lines.map((each) => (JSON.parse(each) as { text: string }).text)).toStrictEqual(lines);
  });
});

describe('whatever the chunks', () => {
  /** Cuts what passes at random, each piece in a turn of its own. */
  const cutting = (seed: number, longest: number) => (): Pass => {
    const chance = random(seed);
    return async (chunk, on) => {
      for (let from = 0; from < chunk.length;) {
        const to = Math.min(chunk.length, from + 1 + chance.below(longest));
        on(chunk.subarray(from, to));
        from = to;
        await new Promise(setImmediate);
      }
    };
  };

  test.each([1, 2, 3])('five of ours hear each other, from 1 byte to 1 MiB: seed %d', async (seed) => {
    // Time enough for the slowest machine: no pause between two pieces is to look like an end.
    const server = await startOurs('--silence', '3s', '--lines-per-second', '0', '--bytes-per-second', '0');
    const slowly = ['--silence', '1s'];
    const chance = random(seed);
    const nicks = ['José', 'Zoë', 'bob', '日本', 'a b'];
    const lengths = [1, 2, 16, 31, 47, 100, 4096, 20_000, 1_048_576];
    const texts = new Map(
      nicks.map((nick, at) => [
        nick,
        lengths
          .filter((length) => at === 0 || length < 100_000)
          .map((length) => String.fromCharCode(97 + chance.below(26)).repeat(length)),
      ]),
    );
    const total = [...texts.values()].flat().length;

    const proxied = () =>
      startProxy(server.port, {
        up: cutting(chance.below(1000), 3000),
        down: cutting(chance.below(1000), 3000),
      });
    const ears = [];
    for (const [n] of nicks.entries()) {
      const port = String(await proxied());
      ears.push(
        rxchat(
          [
            'listen',
            '--wire',
            'classic',
            '--port',
            port,
            '--nick',
            `ear${n}`,
            '-n',
            String(total),
            '--json',
            ...slowly,
          ],
          {
            env: { RXCHAT_KEY: KEY },
          },
        ),
      );
    }
    // Who ends before it has joined would be waited for for ever.
    const ended = ears.map(async (ear) => {
      throw new Error(`ended with ${String(await ear.exit)} before it was in: ${ear.err.lines.join(' / ')}`);
    });
    await Promise.race([Promise.all(nicks.map((_nick, n) => server.joined(`ear${n}`))), ...ended]);

    const sent = await Promise.all(
      [...texts].map(async ([nick, lines]) =>
        run(['send', '--wire', 'classic', '--port', String(await proxied()), '--nick', nick, ...slowly], {
          input: lines.map((each) => `${each}\n`).join(''),
          env: { RXCHAT_KEY: KEY },
        }),
      ),
    );
    expect(sent.map(({ code }) => code)).toStrictEqual(nicks.map(() => 0));

    for (const ear of ears) {
      expect(await ear.exit).toBe(0);
      const heard = ear.out.lines.map((each) => JSON.parse(each) as { from: { nick: string }; text: string });
      for (const [nick, lines] of texts) {
        const own = heard.filter(({ from }) => from.nick === nick).map(({ text }) => text);
        expect(own.map(({ length }) => length)).toStrictEqual(lines.map(({ length }) => length));
        expect(own.every((text, n) => text === lines[n])).toBe(true);
      }
    }
  });
});

describe('a chat of the classic wire', () => {
  test('says what it lacks, on both sides', async () => {
    const server = await startOurs();
    const guest = ours(server.port, 'alice');
    await server.joined('alice');
    for (const { err } of [server.child, guest.child])
      expect(err.text).toContain('the classic wire has no room proof, no signatures and no resume');
  });

  test('ends with its server, which delivers what it has', async () => {
    const server = await startOurs();
    const [alice, bob] = [ours(server.port, 'alice'), ours(server.port, 'bob')];
    await Promise.all([server.joined('alice'), server.joined('bob')]);
    alice.say('last words');
    await until(bob, () => bob.messages().includes('alice: last words'));
    server.child.signal('SIGTERM');
    expect(await server.child.exit).toBe(0);
    expect(await bob.child.exit).toBe(3);
    expect(bob.child.err.text).toMatch(/the server closed the connection\nrxchat: hint: .*no resume/);
  });

  test('does not take a relay for its server', async () => {
    const relay = await startRelay();
    const sent = await run(['send', '--wire', 'classic', '--port', String(relay.port), '-m', 'x'], {
      env: { RXCHAT_KEY: KEY },
    });
    expect(sent.code).toBe(4);
    expect(sent.err).toMatch(/rxchat: the relay speaks rxchat\/1 and not the classic wire\n$/);
  });

  test('has somebody with another key in it, whom nobody can read', async () => {
    const server = await startOurs();
    const alice = ours(server.port, 'alice');
    await server.joined('alice');
    const env = { RXCHAT_KEY: (await run(['key'])).out.trim() };
    const sent = await run(['send', '--wire', 'classic', '--port', String(server.port), '-m', 'x'], { env });
    expect(sent.code).toBe(0);
    await until(alice, () =>
      alice.child.out.text.includes('-- a message does not open: wrong key or tampered'),
    );
  });

  test('shows its key and what is said to nobody but its guests', async () => {
    const server = await startOurs('--log-level', 'trace');
    const [alice, bob] = [ours(server.port, 'alice'), ours(server.port, 'bob')];
    await Promise.all([server.joined('alice'), server.joined('bob')]);
    alice.say('a secret word');
    await until(bob, () => bob.messages().includes('alice: a secret word'));
    await server.child.err.until(({ text }) => text.includes('"msg":"said"'));
    for (const { out, err } of [server.child, alice.child, bob.child])
      for (const said of [out.text, err.text]) expect(said).not.toContain(KEY.slice(0, 20));
    expect(server.child.out.text + server.child.err.text).not.toMatch(/secret word|gAAAAA/);
  });

  inTerminal('is a place to sit in, in a terminal', async () => {
    const server = await startOurs();
    const file = join(newDir(), 'chat.key');
    writeFileSync(file, `${KEY}\n`);
    const flags = ['--wire', 'classic', '--port', String(server.port), '--key-file', file];
    const terminal = await openTerminal(['join', ...flags, '--nick', 'alice'], { columns: 80 });
    await terminal.shows(/^-- you are in$/m);
    const bob = ours(server.port, 'bob');
    await terminal.shows(/^--> bob joined$/m);
    await terminal.type('hello bob');
    await terminal.press('Enter');
    await until(bob, () => bob.messages().includes('alice: hello bob'));
    await terminal.shows(/alice: hello bob/);
    await terminal.type('/hlep');
    await terminal.press('Enter');
    await terminal.shows(
      /^\d\d:\d\d alice: hello bob\n-- unknown command, nothing was sent; \/help lists the commands$/m,
    );
    bob.say('hello alice');
    await terminal.shows(/^\d\d:\d\d bob: hello alice$/m);
    await terminal.press('C-c', 'C-c');
    await terminal.shows(/^exit 0$/m);
    await until(bob, () => bob.notices().includes('alice left the chat.'));
    expect(bob.messages()).toStrictEqual(['alice: hello bob', 'bob: hello alice']);
  });

  test('is not sent a line over 1 MiB, and what stood before it is', async () => {
    const server = await startOurs();
    const alice = ours(server.port, 'alice');
    await server.joined('alice');
    const sent = await run(['send', '--wire', 'classic', '--port', String(server.port), '--nick', 'bob'], {
      input: `one\n${'x'.repeat(1_048_577)}\ntwo\n`,
      env: { RXCHAT_KEY: KEY },
    });
    expect(sent.code).toBe(6);
    expect(sent.err).toMatch(
      /line 2 has 1048577 bytes, over the limit of 1048576 bytes; neither it nor what follows was sent/,
    );
    await until(alice, () => alice.notices().includes('bob left the chat.'));
    expect(alice.messages()).toStrictEqual(['bob: one']);
  });

  test('leaves such a line out with --long skip, and ends in 7', async () => {
    const server = await startOurs();
    const alice = ours(server.port, 'alice');
    await server.joined('alice');
    const args = [
      'send',
      '--wire',
      'classic',
      '--port',
      String(server.port),
      '--nick',
      'bob',
      '--long',
      'skip',
    ];
    const sent = await run(args, {
      input: `\ufeffone\r\n${'x'.repeat(1_048_577)}\ntwo\n`,
      env: { RXCHAT_KEY: KEY },
    });
    expect(sent.code).toBe(7);
    expect(sent.err).toMatch(/^rxchat: lines left out, for they are too long: 1; messages sent: 2/m);
    await until(alice, () => alice.notices().includes('bob left the chat.'));
    expect(alice.messages()).toStrictEqual(['bob: one', 'bob: two']);
  });
});

describe('wrong usage of the classic wire ends in 2 with a line that says what to do', () => {
  test.each<[string, string[], RegExp]>([
    ['no key', ['listen'], /there is no key\n.*--key-file.*rxchat key makes one/],
    [
      'a host beyond this machine',
      ['serve', '--host', '0.0.0.0'],
      /no protection on the way.*\n.*--accept-unprotected/,
    ],
    ['the same of a client', ['send', '--host', 'chat.example.org', '-m', 'x'], /--accept-unprotected/],
    ['TLS', ['serve', '--tls'], /--tls has no meaning with --wire classic/],
    ['history', ['listen', '--last', '3'], /--last has no meaning with --wire classic/],
    ['an invite', ['join', 'rxchat://127.0.0.1/#x'], /no invites\n.*--key-file/],
  ])('%s', async (_, [command = '', ...rest], expected) => {
    const ran = await run([command, '--wire', 'classic', ...rest]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toMatch(expected);
    expect(ran.err).toMatch(/^rxchat: .+\n(rxchat: hint: .+\n)?$/);
  });
});

describe('rxchat key', () => {
  test('prints a key, another one each time', async () => {
    const [one, two] = [await run(['key']), await run(['key'])];
    expect(one).toMatchObject({ code: 0, err: '' });
    expect(one.out).toMatch(/^[\w-]{43}=\n$/);
    expect(two.out).not.toBe(one.out);
  });

  test('writes it to a new file for its owner alone, and shows it to nobody', async () => {
    const file = join(newDir(), 'chat.key');
    expect(await run(['key', '--key-file', file])).toMatchObject({ code: 0, out: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await run(['key', '--key-file', file])).err).toMatch(/is there already\n.*hint: .*another file/);
  });
});
