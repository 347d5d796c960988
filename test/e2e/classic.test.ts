import { afterEach, describe, expect, test } from '@jest/globals';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../fuzz/random.js';
import { withPython } from '../support/python.js';
import {
  type ClassicMember,
  KEY,
  rxchatMember,
  type Server,
  startRxchatServer,
  startPythonServer,
  pythonMember,
  waitUntil,
} from './support/classic/chat.js';
import { tempDir, run, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { type ChunkHandler, startProxy } from './support/proxy.js';
import { startRelay } from './support/relay.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(cleanUp);

const tmux = await hasTmux();
if (!tmux) console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about terminals');
const inTerminal = tmux ? test : test.skip;
const testWithPython = withPython('no client and no server of the older chat was met');

/** Starts a client, and waits until every connected client has seen it join. */
const enter = async (
  member: ClassicMember,
  server: Server,
  others: readonly ClassicMember[],
): Promise<void> => {
  await server.joined(member.nick);
  await waitUntil(member, () => member.notices().includes('Connected to the server.'));
  for (const other of others)
    await waitUntil(other, () => other.notices().includes(`${member.nick} joined the chat.`));
};

describe.each([
  ['the server of rxchat', startRxchatServer, 'never'],
  ['a server like the older program, which echoes to the sender', startPythonServer, 'itself'],
])('%s', (_, startServer, echo) => {
  testWithPython('connects five older clients and five of rxchat in one chat', async () => {
    const server = await startServer();
    const members: ClassicMember[] = [];
    for (const [nick, client] of [
      ['José', rxchatMember],
      ['Zoë', pythonMember],
      ['Ægir', pythonMember],
      ['Ünal', rxchatMember],
      ['日本', pythonMember],
      ['élan', rxchatMember],
      ['bob', pythonMember],
      ['carol', rxchatMember],
      ['d-_=x', pythonMember],
      ['Ёжик', rxchatMember],
    ] as const) {
      const member = client(server.port, nick);
      await enter(member, server, members);
      members.push(member);
    }

    // Every length of padding, up to the longest that an older client can read.
    const texts = [1, 2, 15, 16, 31, 32, 47, 48, 300, 2990].map((length) =>
      'é'.repeat(length).slice(0, length),
    );
    const sent: string[] = [];
    for (const [n, text] of texts.entries()) {
      const sender = members[n]!;
      const bytes = text.length > 1000 ? 'x'.repeat(3007 - Buffer.byteLength(`${sender.nick}: `)) : text;
      sent.push(`${sender.nick}: ${bytes}`);
      sender.send(bytes);
      for (const other of members)
        await waitUntil(other, () => other === sender || other.messages().includes(sent.at(-1)!));
    }

    for (const [n, member] of members.entries()) {
      const isOurs = member.child.out.lines.some((each) => each.startsWith('-- '));
      // Our client prints its own message once, whether the server echoes it or not; an older one prints what it reads.
      const others = sent.filter((_text, at) => at !== n || isOurs || echo === 'itself');
      await waitUntil(member, () => member.messages().length >= others.length);
      expect(member.messages()).toStrictEqual(others);
    }

    const [first, second] = members as [ClassicMember, ClassicMember];
    second.child.endInput();
    await waitUntil(first, () => first.notices().includes(`${second.nick} left the chat.`));
    first.child.endInput();
    expect(await first.child.exit).toBe(0);
  });

  testWithPython('delivers the lines of a pipe of rxchat, one by one or several at once', async () => {
    const server = await startServer();
    const listener = rxchat(
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
    expect(await listener.exit).toBe(0);
    expect(listener.out.lines.map((each) => (JSON.parse(each) as { text: string }).text)).toStrictEqual(
      lines,
    );
  });
});

describe('the classic wire with any chunks', () => {
  /** Cuts the bytes at random, each piece in its own tick. */
  const cutting = (seed: number, longest: number) => (): ChunkHandler => {
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

  test.each([1, 2, 3])('five clients exchange messages from 1 byte to 1 MiB: seed %d', async (seed) => {
    // Long enough for the slowest machine: no pause between two pieces may look like an end.
    const server = await startRxchatServer(
      '--silence',
      '3s',
      '--lines-per-second',
      '0',
      '--bytes-per-second',
      '0',
    );
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
    const recorders = [];
    for (const [n] of nicks.entries()) {
      const port = String(await proxied());
      recorders.push(
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
    // A client that exits before it has joined would be awaited forever.
    const ended = recorders.map(async (listener) => {
      throw new Error(
        `ended with ${String(await listener.exit)} before it was in: ${listener.err.lines.join(' / ')}`,
      );
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

    for (const listening of recorders) {
      expect(await listening.exit).toBe(0);
      const received = listening.out.lines.map(
        (each) => JSON.parse(each) as { from: { nick: string }; text: string },
      );
      for (const [nick, lines] of texts) {
        const own = received.filter(({ from }) => from.nick === nick).map(({ text }) => text);
        expect(own.map(({ length }) => length)).toStrictEqual(lines.map(({ length }) => length));
        expect(own.every((text, n) => text === lines[n])).toBe(true);
      }
    }
  });
});

describe('a chat of the classic wire', () => {
  test('the classic wire prints what it does not protect, on both sides', async () => {
    const server = await startRxchatServer();
    const member = rxchatMember(server.port, 'alice');
    await server.joined('alice');
    for (const { err } of [server.child, member.child])
      expect(err.text).toContain('the classic wire has no room proof, no signatures and no resume');
  });

  test('a classic client ends with its server, which delivers what it has', async () => {
    const server = await startRxchatServer();
    const [alice, bob] = [rxchatMember(server.port, 'alice'), rxchatMember(server.port, 'bob')];
    await Promise.all([server.joined('alice'), server.joined('bob')]);
    alice.send('last words');
    await waitUntil(bob, () => bob.messages().includes('alice: last words'));
    server.child.signal('SIGTERM');
    expect(await server.child.exit).toBe(0);
    expect(await bob.child.exit).toBe(3);
    expect(bob.child.err.text).toMatch(/the server closed the connection\nrxchat: hint: .*cannot resume/);
  });

  test('a classic client rejects a relay of rxchat/1', async () => {
    const relay = await startRelay();
    const sent = await run(['send', '--wire', 'classic', '--port', String(relay.port), '-m', 'x'], {
      env: { RXCHAT_KEY: KEY },
    });
    expect(sent.code).toBe(4);
    expect(sent.err).toMatch(/rxchat: the relay speaks rxchat\/1 and not the classic wire\n$/);
  });

  test('a classic client cannot decrypt messages under another key', async () => {
    const server = await startRxchatServer();
    const alice = rxchatMember(server.port, 'alice');
    await server.joined('alice');
    const env = { RXCHAT_KEY: (await run(['key'])).out.trim() };
    const sent = await run(['send', '--wire', 'classic', '--port', String(server.port), '-m', 'x'], { env });
    expect(sent.code).toBe(0);
    await waitUntil(alice, () =>
      alice.child.out.text.includes('-- a message cannot be decrypted: wrong key or tampered'),
    );
  });

  test('the classic wire shows its key and its messages to its clients only', async () => {
    const server = await startRxchatServer('--log-level', 'trace');
    const [alice, bob] = [rxchatMember(server.port, 'alice'), rxchatMember(server.port, 'bob')];
    await Promise.all([server.joined('alice'), server.joined('bob')]);
    alice.send('a secret word');
    await waitUntil(bob, () => bob.messages().includes('alice: a secret word'));
    await server.child.err.until(({ text }) => text.includes('"msg":"said"'));
    for (const { out, err } of [server.child, alice.child, bob.child])
      for (const sent of [out.text, err.text]) expect(sent).not.toContain(KEY.slice(0, 20));
    expect(server.child.out.text + server.child.err.text).not.toMatch(/secret word|gAAAAA/);
  });

  inTerminal('the classic chat runs interactively in a terminal', async () => {
    const server = await startRxchatServer();
    const file = join(tempDir(), 'chat.key');
    writeFileSync(file, `${KEY}\n`);
    const flags = ['--wire', 'classic', '--port', String(server.port), '--key-file', file];
    const terminal = await openTerminal(['join', ...flags, '--nick', 'alice'], { columns: 80 });
    await terminal.waitFor(/^-- you are in$/m);
    const bob = rxchatMember(server.port, 'bob');
    await terminal.waitFor(/^--> bob joined$/m);
    await terminal.type('hello bob');
    await terminal.press('Enter');
    await waitUntil(bob, () => bob.messages().includes('alice: hello bob'));
    await terminal.waitFor(/alice: hello bob/);
    await terminal.type('/hlep');
    await terminal.press('Enter');
    await terminal.waitFor(
      /^\d\d:\d\d alice: hello bob\n-- unknown command, nothing was sent; \/help lists the commands$/m,
    );
    bob.send('hello alice');
    await terminal.waitFor(/^\d\d:\d\d bob: hello alice$/m);
    await terminal.press('C-c', 'C-c');
    await terminal.waitFor(/^exit 0$/m);
    await waitUntil(bob, () => bob.notices().includes('alice left the chat.'));
    expect(bob.messages()).toStrictEqual(['alice: hello bob', 'bob: hello alice']);
  });

  test('send stops at a line over 1 MiB, after the lines before it', async () => {
    const server = await startRxchatServer();
    const alice = rxchatMember(server.port, 'alice');
    await server.joined('alice');
    const sent = await run(['send', '--wire', 'classic', '--port', String(server.port), '--nick', 'bob'], {
      input: `one\n${'x'.repeat(1_048_577)}\ntwo\n`,
      env: { RXCHAT_KEY: KEY },
    });
    expect(sent.code).toBe(6);
    expect(sent.err).toMatch(
      /line 2 has 1048577 bytes, over the limit of 1048576 bytes; neither it nor what follows was sent/,
    );
    await waitUntil(alice, () => alice.notices().includes('bob left the chat.'));
    expect(alice.messages()).toStrictEqual(['bob: one']);
  });

  test('send --long skip skips a line over 1 MiB, and exits 7', async () => {
    const server = await startRxchatServer();
    const alice = rxchatMember(server.port, 'alice');
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
    expect(sent.err).toMatch(/^rxchat: lines skipped because they are too long: 1; messages sent: 2/m);
    await waitUntil(alice, () => alice.notices().includes('bob left the chat.'));
    expect(alice.messages()).toStrictEqual(['bob: one', 'bob: two']);
  });
});

describe('wrong usage of the classic wire exits 2 with a hint', () => {
  test.each<[string, string[], RegExp]>([
    ['no key', ['listen'], /there is no key\n.*--key-file.*rxchat key makes one/],
    [
      'a host beyond this machine',
      ['serve', '--host', '0.0.0.0'],
      /no protection on the way.*\n.*--accept-unprotected/,
    ],
    ['a remote host of a client', ['send', '--host', 'chat.example.org', '-m', 'x'], /--accept-unprotected/],
    ['TLS', ['serve', '--tls'], /--tls does not apply to --wire classic/],
    ['history', ['listen', '--last', '3'], /--last does not apply to --wire classic/],
    ['an invite', ['join', 'rxchat://127.0.0.1/#x'], /no invites\n.*--key-file/],
  ])('%s', async (_, [command = '', ...rest], expected) => {
    const ran = await run([command, '--wire', 'classic', ...rest]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toMatch(expected);
    expect(ran.err).toMatch(/^rxchat: .+\n(rxchat: hint: .+\n)?$/);
  });
});

describe('rxchat key', () => {
  test('key prints another key each time', async () => {
    const [one, two] = [await run(['key']), await run(['key'])];
    expect(one).toMatchObject({ code: 0, err: '' });
    expect(one.out).toMatch(/^[\w-]{43}=\n$/);
    expect(two.out).not.toBe(one.out);
  });

  test('key writes the key to a new file that only its owner can read', async () => {
    const file = join(tempDir(), 'chat.key');
    expect(await run(['key', '--key-file', file])).toMatchObject({ code: 0, out: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await run(['key', '--key-file', file])).err).toMatch(/exists already\n.*hint: .*another file/);
  });
});
