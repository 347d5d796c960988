import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { freePort } from '../support/freePort.js';
import { type RunResult, run } from './support/child.js';
import { onCleanup, cleanUp } from './support/cleanup.js';
import { joinRaw } from './support/rawClient.js';
import { newRoom, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';

afterEach(cleanUp);

const SECRET = 'Zm9yIHRlc3RzIG9ubHksIG5vdCBhIHNlY3JldCBvbmU';
const INVITE = `rxchat://127.0.0.1:55555/#${SECRET}`;
const PIN = 'A'.repeat(43);

/** Expects one line with the error and at most one with a hint, both with `rxchat:`, and nothing on stdout. */
const complaint = ({ out, err }: RunResult): string => {
  expect(out).toBe('');
  expect(err).toMatch(/^rxchat: .+\n(rxchat: hint: .+\n)?$/);
  return err;
};

describe('wrong usage exits 2 with a hint', () => {
  test.each<[string, string[], RegExp]>([
    ['a misspelled flag', ['serve', '--prot', '1'], /--prot\n.*did you mean --port\?/],
    ['a flag of another command', ['invite', '--json'], /unknown flag for invite: --json\n.*--help/],
    [
      'a flag that is nothing like any',
      ['listen', '--frobnicate'],
      /--frobnicate\n.*see rxchat listen --help/,
    ],
    ['a misspelled command', ['liste'], /unknown command: liste\n.*did you mean listen\?/],
    [
      'a command that is nothing like any',
      ['frobnicate'],
      /unknown command: frobnicate\n.*see rxchat --help/,
    ],
    ['an invite in place of the command', [INVITE], /not a command\n.*did you mean rxchat join INVITE\?/],
    ['a flag in place of the command', ['--nick', 'x'], /not a command\n.*see rxchat --help/],
    ['help in place of the invite', ['send', 'help'], /help is not an invite\n.*see rxchat send --help/],
    ['help for an unknown command', ['help', 'frobnicate'], /unknown command: frobnicate/],
    ['two arguments', ['listen', INVITE, INVITE], /listen takes one argument/],
    ['one argument too many', ['serve', 'now'], /serve takes no argument/],
    ['a port without a value', ['serve', '--port'], /--port needs a value/],
    ['a nick without a value', ['listen', INVITE, '--nick'], /--nick needs a value/],
    [
      'a flag in place of a value',
      ['serve', '--host', '--port', '0'],
      /serve takes no argument\n.*the word after --host is its value/,
    ],
    ['a message without a value', ['send', INVITE, '-m'], /-m needs a value\n.*-m=TEXT/],
    ['a message given twice', ['send', INVITE, '-m', 'a', '-m', 'b'], /--message is given twice/],
    ['a host with a port', ['invite', '--host', 'localhost:123'], /without a port\n.*--port 123/],
    ['a host with a zone', ['invite', '--host', 'fe80::1%lo'], /without %\n.*zone/],
    ['a number as a host', ['invite', '--host', '12345'], /0\.0\.48\.57, write it that way/],
    ['an invalid host', ['invite', '--host', '1.2.3.4.5'], /--host needs a host name or an address/],
    ['an invalid time', ['listen', INVITE, '--since', 'monday'], /--since needs a time in the past/],
    ['a flag given twice', ['listen', INVITE, '--last', '1', '--last', '2'], /--last is given twice/],
    [
      'a port that is not a number',
      ['serve', '--port', 'http'],
      /--port needs a whole number from 0 to 65535/,
    ],
    [
      'a port that does not exist',
      ['serve', '--port', '65536'],
      /--port needs a whole number from 0 to 65535/,
    ],
    ['a negative port', ['invite', '--port', '-1'], /--port needs a whole number from 1 to 65535/],
    ['a fractional port', ['invite', '--port', '1.5'], /--port needs a whole number/],
    ['a count of 0', ['listen', INVITE, '-n', '0'], /(-n|--count) needs a whole number from 1/],
    ['a negative position', ['listen', INVITE, '--after', '-3'], /--after needs a whole number from 0/],
    ['a window that is too small', ['serve', '--window', '1k'], /--window needs a size from 262144/],
    ['a window that is not a size', ['serve', '--window', 'large'], /--window needs a size .* such as 16MiB/],
    ['an unknown log level', ['serve', '--log-level', 'loud'], /--log-level is one of .*silent.*trace/],
    ['an unknown engine', ['listen', INVITE, '--fernet-engine', 'rot13'], /one of node, fernet/],
    ['a value for a switch', ['serve', '--memory=yes'], /--memory takes no value/],
    ['TLS and no TLS', ['serve', '--tls', '--plain'], /--tls and --plain exclude each other/],
    [
      'none with a pin',
      ['listen', `${INVITE},pin=${PIN}`, '--plain'],
      /has the pin of a relay with TLS\n.*--plain/,
    ],
    ['an invalid pin', ['invite', '--pin', 'x'], /--pin needs 43 characters/],
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
    ['no invite', ['listen'], /no invite given\n.*--invite-file.*RXCHAT_INVITE/],
    [
      'an invite in a file that is not there',
      ['send', '--invite-file', '/nowhere/invite'],
      /cannot read .*\/nowhere\/invite: no such file or directory/,
    ],
    ['an invite both ways', ['send', INVITE, '--invite-file', '/dev/null'], /given twice/],
    ['an empty invite', ['join', ''], /INVITE is empty\n.*join --help/],
    [
      'an empty file in place of an invite',
      ['join', '--invite-file', '/dev/null'],
      /no invite in \/dev\/null/,
    ],
    ['an empty standard input', ['join', '--invite-file', '-'], /no invite on standard input/],
    ['an empty message', ['send', INVITE, '-m', ''], /needs a value/],
  ])('%s', async (_, args, expected) => {
    const ran = await runShared(args);
    expect(complaint(ran)).toMatch(expected);
    expect(ran.code).toBe(2);
    expect(ran.err).not.toContain(SECRET);
  });

  test('no command, which prints the usage', async () => {
    const { code, out, err } = await runShared([]);
    expect([code, out]).toStrictEqual([2, '']);
    expect(err).toMatch(/Usage\n {2}rxchat serve/);
  });
});

describe('an invalid invite exits 2, with the reason and without repeating it', () => {
  test.each<[string, string, RegExp]>([
    ['some text', `hello ${SECRET}`, /not an invite/],
    ['a link to elsewhere', `ftp://127.0.0.1:1/#${SECRET}`, /not an invite of rxchat/],
    ['a page that is not of a relay', `https://127.0.0.1:1/room#${SECRET}`, /unexpected characters/],
    ['no secret', 'rxchat://127.0.0.1:1/', /has no secret.*cut off/],
    ['a truncated secret', INVITE.slice(0, -1), /42 characters instead of 43.*cut off/],
    ['a character after the secret', `${INVITE}.`, /44 characters instead of 43/],
    ['an invalid character in the secret', INVITE.replace(/.$/, '!'), /not base64url/],
    ['a modified secret', INVITE.replace(/.$/, 'V'), /not base64url/],
    ['no host', `rxchat:///#${SECRET}`, /has no host|not an invite/],
    ['a path', `rxchat://127.0.0.1:1/room#${SECRET}`, /unexpected characters/],
    ['a user', `rxchat://${SECRET}@127.0.0.1:1/#${SECRET}`, /unexpected characters/],
    ['a port that does not exist', `rxchat://127.0.0.1:99999/#${SECRET}`, /not an invite/],
  ])('%s', async (_, invite, expected) => {
    for (const args of [
      ['listen', invite],
      ['send', invite, '-m', 'hello'],
    ]) {
      const ran = await runShared(args);
      expect(complaint(ran)).toMatch(expected);
      expect(ran.code).toBe(2);
      expect(ran.err).not.toContain(SECRET.slice(0, 12));
    }
  });
});

describe('network errors:', () => {
  test('serve exits 3 with host, port and a hint when the port is in use', async () => {
    const relay = await startRelay();
    const ran = await runShared(['serve', '--port', String(relay.port)]);
    expect(complaint(ran)).toBe(
      `rxchat: cannot listen on 127.0.0.1:${relay.port}: the port is in use\n` +
        'rxchat: hint: another relay may be running; choose another port with --port\n',
    );
    expect(ran.code).toBe(3);
  });

  test('serve exits 3 with host, port and a hint when the port needs a permission', async () => {
    const free = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
    if (free <= 1) return console.warn('NOT TESTED: on this machine everyone may listen on port 1');
    const ran = await run(['serve', '--port', '1'], { unprivileged: true });
    expect(complaint(ran)).toMatch(
      /^rxchat: cannot listen on 127\.0\.0\.1:1: permission denied\n.*--port\n$/,
    );
    expect(ran.code).toBe(3);
  });

  test('listen and send exit 3 without a relay, and send counts the lines that were not stored', async () => {
    const { text } = newRoom(await freePort());
    const listen = await runShared(['listen', text]);
    expect([listen.code, complaint(listen)]).toStrictEqual([
      3,
      expect.stringMatching(/^rxchat: cannot reach 127\.0\.0\.1:\d+: connection refused/),
    ]);
    const send = await runShared(['send', text], { input: '1\n2\n3\n4\n5\n' });
    expect([send.code, complaint(send)]).toStrictEqual([
      3,
      expect.stringMatching(/nothing was sent \(0 of 5\)\n/),
    ]);
    const one = await runShared(['send', text, '-m', 'hello']);
    expect([one.code, complaint(one)]).toStrictEqual([
      3,
      expect.stringMatching(/nothing was sent \(0 of 1\)\n/),
    ]);
  });

  test('a client exits 4 when the server is not a relay', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onCleanup(() => server.close());
    const ran = await runShared(['listen', newRoom((server.address() as AddressInfo).port).text]);
    expect(complaint(ran)).toMatch(/not an rxchat relay/);
    expect(ran.code).toBe(4);
  });
});

describe('the room rejects', () => {
  test.each<[string, string, RegExp]>([
    ['too long', 'n'.repeat(33), /nick is longer than 32/],
    ['with a space', 'al ice', /a space, a control or an invisible/],
    ['with an escape', 'al\u001b[31mice', /a space, a control or an invisible/],
    ['with a bidi override', 'al\u202eice', /a space, a control or an invisible/],
    ['with an invisible character', 'al\u200bice', /a space, a control or an invisible/],
    ['with a comma', 'alice,bob', /a comma/],
  ])('a nick %s: exit code 4 with a hint', async (_, nick, expected) => {
    const ran = await runShared(['listen', INVITE, '--nick', nick]);
    expect(complaint(ran)).toMatch(expected);
    expect(ran.err).toMatch(/hint: choose .* with --nick/);
    // No character that could move a cursor or reverse the text.
    expect(ran.err).not.toMatch(/[^\n\x20-\x7e]/);
    expect(ran.code).toBe(4);
  });

  test.each(['join', 'send'])('an invalid nick, for which %s exits 4', async (name) => {
    const ran = await runShared([name, INVITE, '--nick', 'al ice'], { input: 'hello\n' });
    expect(complaint(ran)).toMatch(/a space, a control .*\n.*--nick/);
    expect(ran.code).toBe(4);
  });

  test.each(['alice', 'ALICE'])('a nick in use with exit code 4 and a hint: %s', async (nick) => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    await joinRaw(room, 'alice');
    const ran = await runShared(['send', room.text, '--nick', nick], { input: '1\n2\n' });
    expect(ran.err).toMatch(
      /nick is taken.*\(nick-taken\).*nothing was sent \(0 of 2\)\n.*hint: choose another with --nick; to use one nick .*\n$/,
    );
    expect(ran.code).toBe(4);
  });

  test.each([40_000, 400_000])(
    'a line of %d bytes: send exits 6, and earlier lines are stored',
    async (size) => {
      const relay = await startRelay();
      const { text } = newRoom(relay.port);
      const input = `one\ntwo\n${'x'.repeat(size)}\nfour\n`;
      const send = await runShared(['send', text], { input });
      expect(complaint(send)).toMatch(
        /(over the limit|is longer than).*neither it nor what follows was sent.*sent 2\nrxchat: hint: use --long cut, split or skip [^\n]*\n$/,
      );
      expect(send.code).toBe(6);
      const listen = await runShared(['listen', text, '--after', '0', '-n', '2', '--nick', 'ear']);
      expect(listen.out).toMatch(/^\S+: one\n\S+: two\n$/);
    },
  );

  test('send replaces invalid UTF-8, and says so', async () => {
    const relay = await startRelay();
    const { text } = newRoom(relay.port);
    const send = await runShared(['send', text], { input: Buffer.from('caf\xe9\n', 'latin1') });
    expect([send.code, complaint(send)]).toStrictEqual([
      0,
      expect.stringMatching(/invalid UTF-8, replaced with U\+FFFD/),
    ]);
    const listen = await runShared(['listen', text, '--after', '0', '-n', '1', '--json']);
    expect(JSON.parse(listen.out)).toMatchObject({ text: 'caf\ufffd' });
  });
});
