import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { type Ran, run } from './support/child.js';
import { atEnd, endAll } from './support/endings.js';
import { joinPeer } from './support/peer.js';
import { newRoom, startRelay } from './support/relay.js';

afterEach(endAll);

const SECRET = 'Zm9yIHRlc3RzIG9ubHksIG5vdCBhIHNlY3JldCBvbmU';
const INVITE = `rxchat://127.0.0.1:55555/#${SECRET}`;
const PIN = 'A'.repeat(43);

/** One line that says what is wrong and perhaps one that says what to do, both by `rxchat:`, and nothing on stdout. */
const complaint = ({ out, err }: Ran): string => {
  expect(out).toBe('');
  expect(err).toMatch(/^rxchat: .+\n(rxchat: hint: .+\n)?$/);
  return err;
};

describe('wrong usage ends in 2 with a line that says what to do', () => {
  test.each<[string, string[], RegExp]>([
    ['a flag that is almost right', ['serve', '--prot', '1'], /--prot\n.*did you mean --port\?/],
    ['a flag of another command', ['invite', '--json'], /unknown flag for invite: --json\n.*--help/],
    [
      'a flag that is nothing like any',
      ['listen', '--frobnicate'],
      /--frobnicate\n.*see rxchat listen --help/,
    ],
    ['a command that is almost right', ['liste'], /unknown command: liste\n.*did you mean listen\?/],
    [
      'a command that is nothing like any',
      ['frobnicate'],
      /unknown command: frobnicate\n.*see rxchat --help/,
    ],
    ['an invite in place of the command', [INVITE], /not a command\n.*did you mean rxchat join INVITE\?/],
    ['a flag in place of the command', ['--nick', 'x'], /not a command\n.*see rxchat --help/],
    ['help in place of the invite', ['send', 'help'], /help is not an invite\n.*see rxchat send --help/],
    ['help of no command', ['help', 'frobnicate'], /unknown command: frobnicate/],
    ['two arguments', ['listen', INVITE, INVITE], /listen takes one argument/],
    ['an argument too many', ['serve', 'now'], /serve takes no argument/],
    ['a port without a value', ['serve', '--port'], /--port needs a value/],
    ['a nick without a value', ['listen', INVITE, '--nick'], /--nick needs a value/],
    [
      'a flag in place of a value',
      ['serve', '--host', '--port', '0'],
      /serve takes no argument\n.*the word behind --host is its value/,
    ],
    ['a message without a value', ['send', INVITE, '-m'], /-m needs a value\n.*-m=TEXT/],
    ['a message that is given twice', ['send', INVITE, '-m', 'a', '-m', 'b'], /--message is given twice/],
    ['a host with a port', ['invite', '--host', 'localhost:123'], /without a port\n.*--port 123/],
    ['a host with a zone', ['invite', '--host', 'fe80::1%lo'], /without %\n.*zone/],
    ['a number as a host', ['invite', '--host', '12345'], /0\.0\.48\.57, write it so/],
    ['a host that none can be', ['invite', '--host', '1.2.3.4.5'], /--host needs a host name or an address/],
    ['a time that none is', ['listen', INVITE, '--since', 'monday'], /--since needs a time in the past/],
    ['a flag that is given twice', ['listen', INVITE, '--last', '1', '--last', '2'], /--last is given twice/],
    ['a port that is no number', ['serve', '--port', 'http'], /--port needs a whole number from 0 to 65535/],
    [
      'a port that does not exist',
      ['serve', '--port', '65536'],
      /--port needs a whole number from 0 to 65535/,
    ],
    ['a port below all', ['invite', '--port', '-1'], /--port needs a whole number from 1 to 65535/],
    ['half a port', ['invite', '--port', '1.5'], /--port needs a whole number/],
    ['no messages to wait for', ['listen', INVITE, '-n', '0'], /(-n|--count) needs a whole number from 1/],
    ['a negative position', ['listen', INVITE, '--after', '-3'], /--after needs a whole number from 0/],
    ['a window that is too small', ['serve', '--window', '1k'], /--window needs a size from 262144/],
    ['a window that is no size', ['serve', '--window', 'large'], /--window needs a size .* such as 16MiB/],
    ['a level that there is not', ['serve', '--log-level', 'loud'], /--log-level is one of .*silent.*trace/],
    ['an engine that there is not', ['listen', INVITE, '--fernet-engine', 'rot13'], /one of node, fernet/],
    ['a value for a switch', ['serve', '--memory=yes'], /--memory takes no value/],
    ['TLS and none', ['serve', '--tls', '--plain'], /--tls and --plain exclude each other/],
    [
      'none with a pin',
      ['listen', `${INVITE},pin=${PIN}`, '--plain'],
      /has the pin of a relay with TLS\n.*--plain/,
    ],
    ['a pin that is none', ['invite', '--pin', 'x'], /--pin needs 43 characters/],
    ['a certificate without its key', ['serve', '--cert', '/nowhere/cert'], /--cert and --key go together/],
    [
      'a certificate that is not there',
      ['serve', '--port', '0', '--memory', '--cert', '/nowhere/cert', '--key', '/nowhere/key'],
      /cannot read \/nowhere\/cert: no such file or directory/,
    ],
    ['a host with a space', ['serve', '--host', 'my host'], /--host needs a host name or an address/],
    [
      'a host of another machine',
      ['serve', '--host', '192.0.2.1', '--plain', '--port', '0'],
      /192\.0\.2\.1:0: .*no such address\n.*--host/,
    ],
    ['no invite', ['listen'], /there is no invite\n.*--invite-file.*RXCHAT_INVITE/],
    [
      'an invite in a file that is not there',
      ['send', '--invite-file', '/nowhere/invite'],
      /cannot read .*\/nowhere\/invite: no such file or directory/,
    ],
    ['an invite both ways', ['send', INVITE, '--invite-file', '/dev/null'], /given twice/],
    ['an empty message', ['send', INVITE, '-m', ''], /needs a value/],
  ])('%s', async (_, args, expected) => {
    const ran = await run(args);
    expect(complaint(ran)).toMatch(expected);
    expect(ran.code).toBe(2);
    expect(ran.err).not.toContain(SECRET);
  });

  test('no command at all: the usage', async () => {
    const { code, out, err } = await run([]);
    expect([code, out]).toStrictEqual([2, '']);
    expect(err).toMatch(/Usage\n {2}rxchat serve/);
  });
});

describe('an invite that is not one ends in 2, says what is wrong and does not repeat it', () => {
  test.each<[string, string, RegExp]>([
    ['some text', `hello ${SECRET}`, /not an invite/],
    ['a link to elsewhere', `ftp://127.0.0.1:1/#${SECRET}`, /not an invite of rxchat/],
    ['a page that is not one of a relay', `https://127.0.0.1:1/room#${SECRET}`, /does not belong there/],
    ['no secret', 'rxchat://127.0.0.1:1/', /has no secret.*cut off/],
    ['a secret that was cut off', INVITE.slice(0, -1), /42 characters where 43 belong.*cut off/],
    ['something after the secret', `${INVITE}.`, /44 characters where 43 belong/],
    ['a letter that no secret has', INVITE.replace(/.$/, '!'), /not base64url/],
    ['a secret that was changed', INVITE.replace(/.$/, 'V'), /not base64url/],
    ['no host', `rxchat:///#${SECRET}`, /names no host|not an invite/],
    ['a path', `rxchat://127.0.0.1:1/room#${SECRET}`, /does not belong there/],
    ['a user', `rxchat://${SECRET}@127.0.0.1:1/#${SECRET}`, /does not belong there/],
    ['a port that does not exist', `rxchat://127.0.0.1:99999/#${SECRET}`, /not an invite/],
  ])('%s', async (_, invite, expected) => {
    for (const args of [
      ['listen', invite],
      ['send', invite, '-m', 'hello'],
    ]) {
      const ran = await run(args);
      expect(complaint(ran)).toMatch(expected);
      expect(ran.code).toBe(2);
      expect(ran.err).not.toContain(SECRET.slice(0, 12));
    }
  });
});

describe('the network', () => {
  test('a port in use ends serve in 3, with host, port and what to do', async () => {
    const relay = await startRelay();
    const ran = await run(['serve', '--port', String(relay.port)]);
    expect(complaint(ran)).toBe(
      `rxchat: cannot listen on 127.0.0.1:${relay.port}: the port is in use\n` +
        'rxchat: hint: another relay may be running; choose another port with --port\n',
    );
    expect(ran.code).toBe(3);
  });

  test('a port without permission ends serve in 3, with host, port and what to do', async () => {
    const free = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
    if (free <= 1) return console.warn('NOT TESTED: on this machine everyone may listen on port 1');
    const ran = await run(['serve', '--port', '1'], { unprivileged: true });
    expect(complaint(ran)).toMatch(
      /^rxchat: cannot listen on 127\.0\.0\.1:1: permission denied\n.*--port\n$/,
    );
    expect(ran.code).toBe(3);
  });

  test('no relay there ends listen and send in 3, and send says how many lines were not stored', async () => {
    const { text } = newRoom(await closedPort());
    const listen = await run(['listen', text]);
    expect([listen.code, complaint(listen)]).toStrictEqual([
      3,
      expect.stringMatching(/^rxchat: cannot reach 127\.0\.0\.1:\d+: connection refused/),
    ]);
    const send = await run(['send', text], { input: '1\n2\n3\n4\n5\n' });
    expect([send.code, complaint(send)]).toStrictEqual([
      3,
      expect.stringMatching(/nothing was sent \(0 of 5\)\n/),
    ]);
    const one = await run(['send', text, '-m', 'hello']);
    expect([one.code, complaint(one)]).toStrictEqual([
      3,
      expect.stringMatching(/nothing was sent \(0 of 1\)\n/),
    ]);
  });

  test('somebody else there than a relay ends it in 4', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    atEnd(() => server.close());
    const ran = await run(['listen', newRoom((server.address() as AddressInfo).port).text]);
    expect(complaint(ran)).toMatch(/not an rxchat relay/);
    expect(ran.code).toBe(4);
  });
});

describe('what the room refuses', () => {
  test.each<[string, string, RegExp]>([
    ['empty', '', /nick is empty/],
    ['too long', 'n'.repeat(33), /nick is longer than 32/],
    ['with a space', 'al ice', /a space, a control or an invisible/],
    ['with an escape', 'al\u001b[31mice', /a space, a control or an invisible/],
    ['with a bidi override', 'al\u202eice', /a space, a control or an invisible/],
    ['with nothing to see', 'al\u200bice', /a space, a control or an invisible/],
    ['with a comma', 'alice,bob', /a comma/],
  ])('a nick %s ends in 4 with a hint', async (_, nick, expected) => {
    const ran = await run(['listen', INVITE, '--nick', nick]);
    expect(complaint(ran)).toMatch(expected);
    expect(ran.err).toMatch(/hint: choose .* with --nick/);
    // Nothing that could move a cursor or turn the text around.
    expect(ran.err).not.toMatch(/[^\n\x20-\x7e]/);
    expect(ran.code).toBe(4);
  });

  test.each(['join', 'send'])('a nick that cannot be one ends %s in 4 as well', async (name) => {
    const ran = await run([name, INVITE, '--nick', ''], { input: 'hello\n' });
    expect(complaint(ran)).toMatch(/nick is empty\n.*--nick/);
    expect(ran.code).toBe(4);
  });

  test.each(['alice', 'ALICE'])('a nick that is taken ends in 4 with a hint: %s', async (nick) => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    await joinPeer(room, 'alice');
    const ran = await run(['send', room.text, '--nick', nick], { input: '1\n2\n' });
    expect(ran.err).toMatch(
      /nick is taken.*\(nick-taken\).*nothing was sent \(0 of 2\)\n.*hint: choose another with --nick; to use one nick .*\n$/,
    );
    expect(ran.code).toBe(4);
  });

  test.each([40_000, 400_000])(
    'a line of %d bytes ends send in 6; what came before it is stored',
    async (size) => {
      const relay = await startRelay();
      const { text } = newRoom(relay.port);
      const input = `one\ntwo\n${'x'.repeat(size)}\nfour\n`;
      const send = await run(['send', text], { input });
      expect(complaint(send)).toMatch(
        /(over the limit|is longer than).*neither it nor what follows was sent.*sent 2\nrxchat: hint: --long cut, split or skip [^\n]*\n$/,
      );
      expect(send.code).toBe(6);
      const listen = await run(['listen', text, '--after', '0', '-n', '2', '--nick', 'ear']);
      expect(listen.out).toMatch(/^\S+: one\n\S+: two\n$/);
    },
  );

  test('what is no UTF-8 is sent with a stand-in, and send says so', async () => {
    const relay = await startRelay();
    const { text } = newRoom(relay.port);
    const send = await run(['send', text], { input: Buffer.from('caf\xe9\n', 'latin1') });
    expect([send.code, complaint(send)]).toStrictEqual([0, expect.stringMatching(/was not UTF-8; U\+FFFD/)]);
    const listen = await run(['listen', text, '--after', '0', '-n', '1', '--json']);
    expect(JSON.parse(listen.out)).toMatchObject({ text: 'caf\ufffd' });
  });
});

/** A port that nobody listens on. */
const closedPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};
