import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { createIdentity, deriveRoomKeys, nodeCipher } from '../../src/index.js';
import { encodeEnvelope, encodeText, type Plaintext } from '../../streams/index.js';
import { random } from '../fuzz/random.js';
import { envelope } from '../support/people.js';
import { PYTHON, withPython } from '../support/python.js';
import { type Child, run, rxchat, start } from './support/child.js';
import { endAll } from './support/endings.js';
import { fakeToken, joinPeer, seal } from './support/peer.js';
import { startProxy } from './support/proxy.js';
import { newRoom, type Room, startRelay, through } from './support/relay.js';
import { line } from './support/said.js';

afterEach(endAll);

const test = withPython('no client in another language was run');
const EXAMPLES = fileURLToPath(new URL('../../examples/python', import.meta.url));

const chat = ({ text }: Room, nick: string, last = '0', input?: string): Child =>
  start(PYTHON ?? 'python3', [`${EXAMPLES}/chat.py`, nick, last], {
    env: { RXCHAT_INVITE: text, PYTHONUTF8: '1', PYTHONDONTWRITEBYTECODE: '1' },
    ...(input !== undefined && { input }),
  });

const isIn = ({ err }: Child) => err.until(line('chat: in the room'));

/** Runs a script that has the module of the example, and JSON at its standard input. */
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

/** What was said, without the beginnings of keys. */
const texts = ({ out }: Child): string[] => out.lines.map((each) => each.replace(/ \([\w-]{8}\): /, ': '));

describe('a client in Python, written from docs/protocol.md', () => {
  test('is heard by ours, verified, and ends once all is stored', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const ear = rxchat(['listen', room.text, '--nick', 'ear', '-n', '3', '--json']);
    await relay.joined('ear');
    const python = chat(room, 'piet', '0', 'grüße\n{"a": "\u{1f642}"}\n\nthe last, without a newline');
    expect(await python.exit).toBe(0);
    expect(await ear.exit).toBe(0);
    const said = ear.out.lines.map((each) => JSON.parse(each) as Record<string, unknown>);
    expect(said.map(({ text }) => text)).toStrictEqual([
      'grüße',
      '{"a": "\u{1f642}"}',
      'the last, without a newline',
    ]);
    // Nothing but messages: an alarm would be a line too.
    expect(new Set(said.map(({ type }) => type))).toStrictEqual(new Set(['message']));
    expect(ear.err.text).toMatch(/piet is met for the first time, with the key [\w-]{43}/);
    await relay.child.err.until(line('"nick":"piet"', '"reason":"bye"'));
  });

  test('hears ours, those before it came too, in the room’s order', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    await run(['send', room.text, '--nick', 'bob'], { input: 'one\ntwo\n' });
    const [python, other] = [chat(room, 'piet', '100'), chat(room, 'anna')];
    await Promise.all([isIn(python), isIn(other)]);
    await run(['send', room.text, '--nick', 'bob', '--fernet-engine', 'fernet'], {
      input: 'thr\u00e9e\n\u001b[2J\n',
    });
    await python.out.until(({ lines }) => lines.length === 4);
    other.feed('from another\n');
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

  test('tells what it cannot trust, and goes on', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const python = chat(room, 'piet');
    await isIn(python);
    const peer = await joinPeer(room, 'mallory');
    const { fernetKey, room: name } = deriveRoomKeys(room.secret);
    const identity = createIdentity();
    const sealed = (plaintext: Uint8Array) => nodeCipher().seal(fernetKey, plaintext as Plaintext, 60);
    const honest = Buffer.from(
      encodeEnvelope(envelope({ key: identity.key, room: name, lines: ['true'] }), identity),
    ).toString();
    const said = seal(peer, 'twice');
    peer.say(
      fakeToken(),
      sealed(encodeText(honest.replace('true', 'lies'))),
      sealed(encodeEnvelope(envelope({ key: identity.key, lines: ['elsewhere'] }), identity)),
      sealed(encodeText('no JSON')),
      sealed(encodeText(honest.replace('"kind":"message"', '"kind":"picture"'))),
      said,
      said,
      seal(peer, 'the end'),
    );
    await python.out.until(line('the end'));
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

  test('stays while nothing is said, reads whatever the chunks are, and goes with its relay', async () => {
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
    const python = chat(through(await startProxy(relay.port, { up: cut, down: cut }), room), 'piet');
    await isIn(python);
    // Asked twice, it has answered: else it had been gone after the first time.
    await relay.child.err.until(
      ({ lines }) => lines.filter((each) => each.includes('"piet"') && each.includes('"quiet"')).length >= 2,
    );
    await run(['send', room.text, '--nick', 'bob', '-m', 'x'.repeat(20_000)]);
    await python.out.until(line('x'.repeat(20_000)));
    relay.child.signal('SIGTERM');
    expect(await python.exit).toBe(1);
    expect(python.err.text).toMatch(/chat: the relay says: BYE shutdown 1000\n$/);
  });

  test('says in one line why it does not get in', async () => {
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

  test('takes an envelope of 4096 lines and none of more', () => {
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

  test('derives and opens the test values', () => {
    const { stdout, stderr } = runPython(`
values = json.load(open(${JSON.stringify(fileURLToPath(new URL('../../docs/protocol-test-values.json', import.meta.url)))}))
host, port, secret = rxchat.read_invite(values["invite"])
room = rxchat.Room(secret)
assert (host, port, room.name) == ("127.0.0.1", 55555, values["room"])
assert room.hello(values["nonce"], "alice", 0).startswith(f"NICK alice room={values['room']} session=")
log, low, high, *hashes = values["longSeen"]["seen"]
assert rxchat.parts_of(low, high) == len(hashes)
print(rxchat.open_token(values["token"], room)["lines"])
`);
    expect({ stdout, stderr }).toStrictEqual({ stdout: "['Hello, wörld']\n", stderr: '' });
  });
});
