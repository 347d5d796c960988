import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { createIdentity, deriveRoomKeys, nodeCipher } from '../../src/index.js';
import { encodeText, type Plaintext } from '../../streams/index.js';
import { encodeEnvelope } from '../../streams/client/envelope/envelope.js';
import { random } from '../fuzz/random.js';
import { envelope } from '../support/envelopes.js';
import { PYTHON, withPython } from '../support/python.js';
import { type Child, rxchat, start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { fakeToken, joinRaw, seal } from './support/rawClient.js';
import { startProxy } from './support/proxy.js';
import { newRoom, type Room, startRelay, viaPort } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const test = withPython('no client in another language was run');
const EXAMPLES = fileURLToPath(new URL('../../examples/python', import.meta.url));

const chat = ({ text }: Room, nick: string, last = '0', input?: string): Child =>
  start(PYTHON ?? 'python3', [`${EXAMPLES}/chat.py`, nick, last], {
    env: { RXCHAT_INVITE: text, PYTHONUTF8: '1', PYTHONDONTWRITEBYTECODE: '1' },
    ...(input !== undefined && { input }),
  });

const isIn = ({ err }: Child) => err.until(lineWith('chat: in the room'));

/** Runs a script with the module of the example, and JSON at its standard input. */
const runPython = (script: string, input: unknown = null) =>
  spawnSync(
    PYTHON ?? 'python3',
    [
      '-c',
      `
import json, sys
sys.path.insert(0, ${JSON.stringify(EXAMPLES)})
sys.dont_write_bytecode = True
import rxchat
${script}`,
    ],
    { encoding: 'utf8', env: { ...process.env, PYTHONUTF8: '1' }, input: JSON.stringify(input) },
  );

/** The messages, without the prefixes of keys. */
const texts = ({ out }: Child): string[] => out.lines.map((each) => each.replace(/ \([\w-]{8}\): /, ': '));

describe('a Python client written from docs/protocol.md', () => {
  test('sends verified messages to rxchat, and ends once all are stored', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const listener = rxchat(['listen', room.text, '--nick', 'ear', '-n', '3', '--json']);
    await relay.joined('ear');
    const python = chat(room, 'piet', '0', 'grüße\n{"a": "\u{1f642}"}\n\nthe last, without a newline');
    expect(await python.exit).toBe(0);
    expect(await listener.exit).toBe(0);
    const sent = listener.out.lines.map((each) => JSON.parse(each) as Record<string, unknown>);
    expect(sent.map(({ text }) => text)).toStrictEqual([
      'grüße',
      '{"a": "\u{1f642}"}',
      'the last, without a newline',
    ]);
    // Only messages: an alarm would be a line too.
    expect(new Set(sent.map(({ type }) => type))).toStrictEqual(new Set(['message']));
    expect(listener.err.text).toMatch(/first message from piet, with the key [\w-]{43}/);
    await relay.child.err.until(lineWith('"nick":"piet"', '"reason":"bye"'));
  });

  test('receives messages of rxchat, including earlier ones, in the order of the room', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    await runShared(['send', room.text, '--nick', 'bob'], { input: 'one\ntwo\n' });
    const [python, other] = [chat(room, 'piet', '100'), chat(room, 'anna')];
    await Promise.all([isIn(python), isIn(other)]);
    await runShared(['send', room.text, '--nick', 'bob', '--fernet-engine', 'fernet'], {
      input: 'thr\u00e9e\n\u001b[2J\n',
    });
    await python.out.until(({ lines }) => lines.length === 4);
    other.writeInput('from another\n');
    await python.out.until(({ lines }) => lines.length === 5);
    expect(texts(python)).toStrictEqual([
      'bob: one',
      'bob: two',
      'bob: thrée',
      'bob: \\u{1b}[2J',
      'anna: from another',
    ]);
    for (const each of [python, other]) {
      each.endInput();
      expect(await each.exit).toBe(0);
    }
  });

  test('reports what it cannot trust, and continues', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const python = chat(room, 'piet');
    await isIn(python);
    const peer = await joinRaw(room, 'mallory');
    const { fernetKey, room: name } = deriveRoomKeys(room.secret);
    const identity = createIdentity();
    const sealed = (plaintext: Uint8Array) => nodeCipher().seal(fernetKey, plaintext as Plaintext, 60);
    const honest = Buffer.from(
      encodeEnvelope(envelope({ key: identity.key, room: name, lines: ['true'] }), identity),
    ).toString();
    const sent = seal(peer, 'twice');
    peer.writeLines(
      fakeToken(),
      sealed(encodeText(honest.replace('true', 'lies'))),
      sealed(encodeEnvelope(envelope({ key: identity.key, lines: ['elsewhere'] }), identity)),
      sealed(encodeText('no JSON')),
      sealed(encodeText(honest.replace('"kind":"message"', '"kind":"picture"'))),
      sent,
      sent,
      seal(peer, 'the end'),
    );
    await python.out.until(lineWith('the end'));
    expect(texts(python)).toStrictEqual(['mallory: twice', 'mallory: the end']);
    expect(python.err.lines.map((each) => each.replace(/entry \d+/, 'entry'))).toStrictEqual([
      'chat: in the room',
      'chat: entry is no message: wrong key or tampered',
      'chat: entry is no message: bad-signature',
      'chat: entry is no message: other-room',
      'chat: entry is no message: not an envelope',
      'chat: entry is no message: not an envelope',
    ]);
  });

  test('stays in a silent room, reads any chunks, and ends when its relay does', async () => {
    const relay = await startRelay('--heartbeat', '3s', '--log-level', 'trace');
    const room = newRoom(relay.port);
    const chance = random(8);
    const cut = () => async (chunk: Buffer, on: (bytes: Uint8Array) => void) => {
      for (let from = 0; from < chunk.length;) {
        const to = from + 1 + chance.below(200);
        on(chunk.subarray(from, to));
        from = to;
        await new Promise(setImmediate);
      }
    };
    const python = chat(viaPort(await startProxy(relay.port, { up: cut, down: cut }), room), 'piet');
    await isIn(python);
    // It has answered two PINGs, or else it would be gone after the first.
    await relay.child.err.until(
      ({ lines }) => lines.filter((each) => each.includes('"piet"') && each.includes('"quiet"')).length >= 2,
    );
    await runShared(['send', room.text, '--nick', 'bob', '-m', 'x'.repeat(20_000)]);
    await python.out.until(lineWith('x'.repeat(20_000)));
    relay.child.signal('SIGTERM');
    expect(await python.exit).toBe(1);
    expect(python.err.text).toMatch(/chat: the relay says: BYE shutdown 1000\n$/);
  });

  test('prints one line when it is rejected', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const wrong = { ...room, text: room.text.slice(0, -1) };
    for (const [python, why] of [
      [chat(wrong, 'piet', '0', ''), /^chat: the secret of the invite is missing, cut off or changed/],
      [chat(room, 'a,b', '0', ''), /^chat: the relay says: ERR nick-invalid/],
    ] as const) {
      expect(await python.exit).toBe(1);
      expect(python.err.text).toMatch(why);
      expect(python.err.lines).toHaveLength(1);
      expect(python.err.text).not.toContain(room.text.slice(-20, -2));
    }
  });

  test('accepts an envelope of 4096 lines, and none of more', () => {
    const ours = JSON.parse(Buffer.from(encodeEnvelope(envelope(), createIdentity())).toString()) as object;
    const { stdout, stderr } = runPython(
      `
ours = json.load(sys.stdin)
for count in (0, 1, 4096, 4097):
    print(rxchat.is_envelope({**ours, "lines": ["x"] * count}))
`,
      ours,
    );
    expect({ stdout, stderr }).toStrictEqual({ stdout: 'False\nTrue\nTrue\nFalse\n', stderr: '' });
  });

  test('derives and decrypts the test values', () => {
    const { stdout, stderr } = runPython(`
values = json.load(open(${JSON.stringify(fileURLToPath(new URL('../../docs/protocol-test-values.json', import.meta.url)))}))
relays, secret = rxchat.read_invite(values["invite"])
room = rxchat.Room(secret)
assert (relays, room.name) == ([("127.0.0.1", 55555)], values["room"])
relays, _ = rxchat.read_invite(values["invite"] + ",relays=b:1+[::1]:2")
assert relays == [("127.0.0.1", 55555), ("b", 1), ("::1", 2)]
assert room.hello(values["nonce"], "alice", 0).startswith(f"NICK alice room={values['room']} session=")
log, low, high, *hashes = values["longSeen"]["seen"]
assert rxchat.parts_of(low, high) == len(hashes)
print(rxchat.open_token(values["token"], room)["lines"])
`);
    expect({ stdout, stderr }).toStrictEqual({ stdout: "['Hello, wörld']\n", stderr: '' });
  });
});
