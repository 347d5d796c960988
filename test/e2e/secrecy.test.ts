import { afterEach, expect, test } from '@jest/globals';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  deriveRoomKeys,
  type LockedInvite,
  openIdentity,
  parseAnyInvite,
  unlockInvite,
} from '../../src/index.js';
import { type Child, tempDir, sharedDataDir, rxchat } from './support/child.js';
import { onCleanup, cleanUp } from './support/cleanup.js';
import { connectRaw } from './support/rawClient.js';
import { type ChunkHandler, startProxy } from './support/proxy.js';
import { newRoom, type Room, startRelay, viaPort } from './support/relay.js';
import { lineCount, lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const TEXTS = ['the password is hunter2', 'meet at the old mill', 'grüße aus köln', 'fernet says hello'];

/** Returns every encoding in which bytes might leak. */
const shapes = (bytes: Uint8Array): Buffer[] => {
  const buffer = Buffer.from(bytes);
  const texts = (['base64url', 'base64', 'hex'] as const).map((encoding) => buffer.toString(encoding));
  return [buffer, ...texts.map((text) => Buffer.from(text.replace(/=+$/, '')))];
};

/** What only members may see: messages, the secret of the invite, and the room key, whole and in halves. */
const secretsOf = ({ secret }: Room): Buffer[] => {
  const { fernetKey } = deriveRoomKeys(secret);
  return [
    ...[secret, fernetKey, fernetKey.subarray(0, 16), fernetKey.subarray(16)].flatMap(shapes),
    ...TEXTS.flatMap((text) => [Buffer.from(text), Buffer.from(JSON.stringify(text).slice(1, -1))]),
  ];
};

/** Values that would link a person across rooms, and the inputs of the owner key of a nick. */
const secretsOfOwner = ({ secret }: Room): Buffer[] => {
  const { key, sign } = openIdentity(join(sharedDataDir(), 'rxchat'));
  const seeded = sign(Buffer.from(`rxchat/1 owner seed\n${deriveRoomKeys(secret).room}`));
  return [key, seeded].flatMap((each) => shapes(Buffer.from(each, 'base64url')));
};

/** Returns the secrets found in the bytes, in any letter case. */
const found = (bytes: Buffer, secrets: readonly Buffer[]): string[] => {
  const lower = Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
  return secrets
    .filter(
      (secret) =>
        bytes.includes(secret) || lower.includes(secret.toString('latin1').toLowerCase(), 0, 'latin1'),
    )
    .map((secret) => secret.toString());
};

/** Keeps the invite in a file, so that no process list contains it. */
const inviteFile = ({ text }: Room): string => {
  const folder = mkdtempSync(join(tmpdir(), 'rxchat-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'invite'), `${text}\n`, { mode: 0o600 });
  return join(folder, 'invite');
};

/** Records a whole conversation over the wire, at a relay that logs everything. */
const conversation = async () => {
  const relay = await startRelay('--log-level', 'trace');
  // Each direction of a connection apart: chunks of several connections arrive interleaved.
  const wires: Buffer[][] = [];
  const record = (): ChunkHandler => {
    const wire: Buffer[] = [];
    wires.push(wire);
    return (chunk, on) => {
      wire.push(chunk);
      on(chunk);
    };
  };
  const port = await startProxy(relay.port, { up: record, down: record });
  const room = viaPort(port, newRoom(relay.port));
  const file = inviteFile(room);
  const client = (name: string, nick: string, ...more: string[]): Child =>
    rxchat([name, '--invite-file', file, '--nick', nick, ...more]);

  const listener = client('listen', 'carol', '--json');
  const alice = client('join', 'alice');
  const commandLine = () => readFileSync(`/proc/${alice.pid}/cmdline`);
  const commandLines = [commandLine()];
  await Promise.all([relay.joined('carol'), alice.out.until(lineWith('you are in'))]);
  alice.writeInput(`${TEXTS[0]}\n`);
  await listener.out.until(lineCount(1));
  commandLines.push(commandLine());
  const sends = [
    client('send', 'bob', '-m', TEXTS[1] ?? ''),
    client('send', 'dave'),
    client('send', 'erin', '--fernet-engine', 'fernet'),
  ];
  sends[1]?.writeInput(`${TEXTS[2]}\n`);
  sends[2]?.writeInput(`${TEXTS[3]}\n`);
  await listener.out.until(lineCount(4));
  for (const send of sends) {
    send.endInput();
    expect(await send.exit).toBe(0);
  }
  alice.endInput();
  expect(await alice.exit).toBe(0);
  const received = listener.out.lines.map((each) => (JSON.parse(each) as { text: string }).text);
  expect(received.sort()).toStrictEqual([...TEXTS].sort());
  listener.signal('SIGINT');
  await listener.exit;
  // A user pastes an invite into the relay's port, past the recorder, so that only the log counts.
  const fool = await connectRaw(relay.port);
  fool.writeLines(room.text);
  await fool.closed;
  relay.child.signal('SIGTERM');
  await relay.child.exit;
  return {
    room,
    wire: Buffer.concat(wires.flat()),
    log: Buffer.from(relay.child.out.text + relay.child.err.text),
    commandLine: Buffer.concat(commandLines),
  };
};

test('no secret of a room crosses the wire, is logged, or appears in a process list', async () => {
  const { room, wire, log, commandLine } = await conversation();
  const secrets = [...secretsOf(room), ...secretsOfOwner(room)];

  // Public values are found, or else nothing was recorded.
  const { room: name } = deriveRoomKeys(room.secret);
  const seen = ['NICK alice', `room=${name}`, 'gAAAAA', 'BYE'].filter((each) => !wire.includes(each));
  // Joins in the same second are announced on the same line.
  expect(wire.toString('latin1')).toMatch(/^\+(?:.*,)?carol\b/m);
  const reported = ['"nick":"alice"', name, '"msg":"stored"', '"msg":"left"'].filter(
    (each) => !log.includes(each),
  );
  expect([seen, reported]).toStrictEqual([[], []]);
  expect(commandLine.includes('--invite-file')).toBe(true);

  for (const bytes of [wire, log, commandLine]) expect(found(bytes, secrets)).toStrictEqual([]);
});

/** Returns the private part of a key in a PEM file, in PKCS 8. */
const privateKeyIn = (file: string): Buffer => {
  const pem = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(
    readFileSync(file, 'utf8'),
  )?.[0];
  const { d } = createPrivateKey(pem ?? '').export({ format: 'jwk' });
  return Buffer.from(d ?? '', 'base64url');
};

test('no passphrase, access token, identity or relay key is printed in any error', async () => {
  const dir = tempDir();
  const keep = (name: string, text: string): string => {
    writeFileSync(join(dir, name), `${text}\n`, { mode: 0o600 });
    return join(dir, name);
  };
  const PASSPHRASE = 'quarterdeck umbrella violet';
  const ACCESS = 'a-token-that-only-a-few-have-0123';
  const access = ['--access-token-file', keep('access', ACCESS)];
  const state = tempDir();
  const relay = rxchat(
    ['serve', '--port', '0', '--tls', '--data', state, '--log-level', 'trace', ...access],
    {},
  );
  const [, port] = await relay.out.until(({ text }) => /listening on 127\.0\.0\.1:(\d+)/.exec(text));
  const room = `rxchat://127.0.0.1:${port}/#passphrase,kdf=scrypt-17-8-1,room=x`;
  const passphrase = ['--passphrase-file', keep('passphrase', PASSPHRASE)];

  const attempts = [
    { args: ['send', room, '--tls', '-m', 'hi', '--accept-key', ...passphrase, ...access], code: 0 },
    { args: ['send', room, '--tls', '-m', 'hi', '--nick', 'a,b', ...passphrase, ...access], code: 4 },
    { args: ['send', room, '--tls', '-m', 'hi', ...passphrase], code: 4 },
    { args: ['send', room, '--plain', '-m', 'hi', '--timeout', '1s', ...passphrase, ...access], code: 3 },
    { args: ['listen', room, '--passphrase', PASSPHRASE], code: 2 },
    { args: ['listen', room, '--tls', `--passphrase-file=${join(dir, 'none')}`], code: 2 },
  ];
  const printed: string[] = [];
  for (const { args, code } of attempts) {
    const child = rxchat(args, { input: '' });
    expect([args[0], args.slice(2), await child.exit]).toStrictEqual([args[0], args.slice(2), code]);
    printed.push(child.out.text, child.err.text);
  }
  relay.signal('SIGTERM');
  await relay.exit;
  const log = Buffer.from([...printed, relay.out.text, relay.err.text].join('\n'));
  expect(log.includes('"msg":"joined"')).toBe(true);

  const { secret } = await unlockInvite(parseAnyInvite(room) as LockedInvite, PASSPHRASE);
  const keys = [
    privateKeyIn(join(sharedDataDir(), 'rxchat', 'identity.pem')),
    privateKeyIn(join(state, 'tls.pem')),
    secret,
    deriveRoomKeys(secret).fernetKey,
  ];
  const secrets = [...keys.flatMap(shapes), Buffer.from(PASSPHRASE), Buffer.from(ACCESS)];
  expect(found(log, secrets)).toStrictEqual([]);
});

test('the search for secrets finds each of them in every encoding', () => {
  const secrets = secretsOf(newRoom(1));
  for (const secret of secrets) {
    const bytes = Buffer.concat([Buffer.from('before'), secret, Buffer.from('after')]);
    expect(found(bytes, secrets)).toContain(secret.toString());
  }
});
