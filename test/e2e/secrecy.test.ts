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
import { type Child, newDir, ownData, rxchat } from './support/child.js';
import { atEnd, endAll } from './support/endings.js';
import { connectPeer } from './support/peer.js';
import { type Pass, startProxy } from './support/proxy.js';
import { newRoom, type Room, startRelay, through } from './support/relay.js';
import { count, line } from './support/said.js';

afterEach(endAll);

const TEXTS = ['the password is hunter2', 'meet at the old mill', 'grüße aus köln', 'fernet says hello'];

/** All the shapes in which bytes might be let slip. */
const shapes = (bytes: Uint8Array): Buffer[] => {
  const buffer = Buffer.from(bytes);
  const texts = (['base64url', 'base64', 'hex'] as const).map((encoding) => buffer.toString(encoding));
  return [buffer, ...texts.map((text) => Buffer.from(text.replace(/=+$/, '')))];
};

/** Whatever only members may see: what is said, the invite's secret, and the room's key, whole and by its halves. */
const secretsOf = ({ secret }: Room): Buffer[] => {
  const { fernetKey } = deriveRoomKeys(secret);
  return [
    ...[secret, fernetKey, fernetKey.subarray(0, 16), fernetKey.subarray(16)].flatMap(shapes),
    ...TEXTS.flatMap((text) => [Buffer.from(text), Buffer.from(JSON.stringify(text).slice(1, -1))]),
  ];
};

/** What would link a person from room to room, and what the owner key of a nick is made of. */
const secretsOfOwner = ({ secret }: Room): Buffer[] => {
  const { key, sign } = openIdentity(join(ownData(), 'rxchat'));
  const seeded = sign(Buffer.from(`rxchat/1 owner seed\n${deriveRoomKeys(secret).room}`));
  return [key, seeded].flatMap((each) => shapes(Buffer.from(each, 'base64url')));
};

/** Which of the secrets stand in the bytes, as they are or in other letters. */
const found = (bytes: Buffer, secrets: readonly Buffer[]): string[] => {
  const lower = Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
  return secrets
    .filter(
      (secret) =>
        bytes.includes(secret) || lower.includes(secret.toString('latin1').toLowerCase(), 0, 'latin1'),
    )
    .map((secret) => secret.toString());
};

/** Keeps the invite in a file, so that it stands in no process list. */
const inviteFile = ({ text }: Room): string => {
  const folder = mkdtempSync(join(tmpdir(), 'rxchat-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'invite'), `${text}\n`, { mode: 0o600 });
  return join(folder, 'invite');
};

/** A whole conversation over a wire that is recorded, at a relay that tells all it can. */
const conversation = async () => {
  const relay = await startRelay('--log-level', 'trace');
  const wire: Buffer[] = [];
  const record = (): Pass => (chunk, on) => {
    wire.push(chunk);
    on(chunk);
  };
  const port = await startProxy(relay.port, { up: record, down: record });
  const room = through(port, newRoom(relay.port));
  const file = inviteFile(room);
  const client = (name: string, nick: string, ...more: string[]): Child =>
    rxchat([name, '--invite-file', file, '--nick', nick, ...more]);

  const listener = client('listen', 'carol', '--json');
  const alice = client('join', 'alice');
  const commandLine = () => readFileSync(`/proc/${alice.pid}/cmdline`);
  const commandLines = [commandLine()];
  await Promise.all([relay.joined('carol'), alice.out.until(line('you are in'))]);
  alice.feed(`${TEXTS[0]}\n`);
  await listener.out.until(count(1));
  commandLines.push(commandLine());
  const sends = [
    client('send', 'bob', '-m', TEXTS[1] ?? ''),
    client('send', 'dave'),
    client('send', 'erin', '--fernet-engine', 'fernet'),
  ];
  sends[1]?.feed(`${TEXTS[2]}\n`);
  sends[2]?.feed(`${TEXTS[3]}\n`);
  await listener.out.until(count(4));
  for (const send of sends) {
    send.endInput();
    expect(await send.exit).toBe(0);
  }
  alice.endInput();
  expect(await alice.exit).toBe(0);
  const heard = listener.out.lines.map((each) => (JSON.parse(each) as { text: string }).text);
  expect(heard.sort()).toStrictEqual([...TEXTS].sort());
  listener.signal('SIGINT');
  await listener.exit;
  // Somebody takes the relay for the program to paste an invite into; past the recorder, so that only the log counts.
  const fool = await connectPeer(relay.port);
  fool.say(room.text);
  await fool.closed;
  relay.child.signal('SIGTERM');
  await relay.child.exit;
  return {
    room,
    wire: Buffer.concat(wire),
    log: Buffer.from(relay.child.out.text + relay.child.err.text),
    commandLine: Buffer.concat(commandLines),
  };
};

test('nothing that only members may know crosses the wire, is logged, or stands in a process list', async () => {
  const { room, wire, log, commandLine } = await conversation();
  const secrets = [...secretsOf(room), ...secretsOfOwner(room)];

  // What may be seen is: else nothing was recorded.
  const { room: name } = deriveRoomKeys(room.secret);
  const seen = ['NICK alice', `room=${name}`, 'gAAAAA', 'BYE'].filter((each) => !wire.includes(each));
  // Who comes in the same second is told of in the same line.
  expect(wire.toString('latin1')).toMatch(/^\+(?:.*,)?carol\b/m);
  const told = ['"nick":"alice"', name, '"msg":"stored"', '"msg":"left"'].filter(
    (each) => !log.includes(each),
  );
  expect([seen, told]).toStrictEqual([[], []]);
  expect(commandLine.includes('--invite-file')).toBe(true);

  for (const bytes of [wire, log, commandLine]) expect(found(bytes, secrets)).toStrictEqual([]);
});

/** The private part of a key in a PEM file, as PKCS 8 has it. */
const privateKeyIn = (file: string): Buffer => {
  const pem = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(
    readFileSync(file, 'utf8'),
  )?.[0];
  const { d } = createPrivateKey(pem ?? '').export({ format: 'jwk' });
  return Buffer.from(d ?? '', 'base64url');
};

test('no passphrase, access token, identity or key of a relay is shown to anybody, whatever goes wrong', async () => {
  const dir = newDir();
  const keep = (name: string, text: string): string => {
    writeFileSync(join(dir, name), `${text}\n`, { mode: 0o600 });
    return join(dir, name);
  };
  const PASSPHRASE = 'quarterdeck umbrella violet';
  const ACCESS = 'a-token-that-only-a-few-have-0123';
  const access = ['--access-token-file', keep('access', ACCESS)];
  const state = newDir();
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
    privateKeyIn(join(ownData(), 'rxchat', 'identity.pem')),
    privateKeyIn(join(state, 'tls.pem')),
    secret,
    deriveRoomKeys(secret).fernetKey,
  ];
  const secrets = [...keys.flatMap(shapes), Buffer.from(PASSPHRASE), Buffer.from(ACCESS)];
  expect(found(log, secrets)).toStrictEqual([]);
});

test('the search for secrets finds each of them in every shape', () => {
  const secrets = secretsOf(newRoom(1));
  for (const secret of secrets) {
    const bytes = Buffer.concat([Buffer.from('before'), secret, Buffer.from('after')]);
    expect(found(bytes, secrets)).toContain(secret.toString());
  }
});
