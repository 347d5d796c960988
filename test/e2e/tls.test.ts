import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer, connect as connectWithTls } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { computePin, parseLeaf } from '../../src/net/tls/certificate.js';
import type { Certificate } from '../../src/net/tls/certificate.js';
import { newCertificate } from '../support/certificates.js';
import { type Child, tempDir, rxchat } from './support/child.js';
import { onCleanup, cleanUp } from './support/cleanup.js';
import { startRestartableRelay } from './support/faults/restartableRelay.js';
import { startProxy } from './support/proxy.js';
import { newRoom, type Room, startRelay, viaPort } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

/** The pin that a relay prints at start. */
const printedPin = async ({ err }: Child): Promise<string> => {
  const [, pin] = await err.until(({ text }) => / --pin=([\w-]{43})\n/.exec(text));
  return pin ?? '';
};

/** Makes a certificate and writes it into a directory. */
const putCertificate = async (dir: string): Promise<{ flags: string[]; pin: string }> => {
  const certificate: Certificate = await newCertificate();
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  writeFileSync(cert, certificate.cert);
  writeFileSync(key, certificate.key);
  return { flags: ['--cert', cert, '--key', key], pin: computePin(parseLeaf(certificate, cert)) };
};

const unpinned = (room: Room): string => room.text.replace(/,pin=.*/, '');
const send = (invite: string, ...flags: string[]) => runShared(['send', invite, '-m', 'hello', ...flags]);

describe('a relay with TLS', () => {
  test('accepts clients by an invite with its pin, and the conversation is the same as without TLS', async () => {
    const relay = await startRelay('--tls');
    const pin = await printedPin(relay.child);
    const made = await runShared(['invite', '--port', String(relay.port), '--pin', pin]);
    const invite = made.out.trim();
    expect(invite).toMatch(new RegExp(`^rxchat://127\\.0\\.0\\.1:${relay.port}/#[\\w-]{43},pin=${pin}$`));
    const sent = await runShared(['send', invite], { input: 'one\ntwo\n' });
    expect([sent.code, sent.err]).toStrictEqual([0, '']);
    const { out } = await runShared(['listen', invite, '--after', '0', '-n', '2', '--json']);
    expect(out.split('\n', 2).map((each) => (JSON.parse(each) as { text: string }).text)).toStrictEqual([
      'one',
      'two',
    ]);
  });

  test('hides nick, room and token on the wire', async () => {
    const relay = await startRelay('--tls');
    const seen: Buffer[] = [];
    const record = () => (chunk: Buffer, on: (bytes: Uint8Array) => void) => {
      seen.push(Buffer.from(chunk));
      on(chunk);
    };
    const port = await startProxy(relay.port, { up: record, down: record });
    const room = viaPort(port, newRoom(relay.port, await printedPin(relay.child)));
    expect((await send(room.text, '--nick', 'somebody')).code).toBe(0);
    const bytes = Buffer.concat(seen).toString('latin1');
    for (const text of ['NICK', 'somebody', 'gAAAA', 'WELCOME', 'room=']) expect(bytes).not.toContain(text);
    expect(bytes.length).toBeGreaterThan(1000);
  });

  test('is refused with exit code 5 before anything is sent when its key does not match the pin', async () => {
    const relay = await startRelay('--tls');
    const room = newRoom(relay.port, 'A'.repeat(43));
    const { code, err } = await send(room.text);
    expect([code, err]).toStrictEqual([
      5,
      `rxchat: the relay at 127.0.0.1:${relay.port} has a different key than expected\n` +
        'rxchat: hint: this may be an attack, or the relay has a new key; ask for a new invite over another channel\n',
    ]);
    expect(relay.child.err.text).not.toContain('joined');
  });

  test('without a pin is trusted on first use, and another key is refused with exit code 5 unless it is accepted', async () => {
    const env = { XDG_DATA_HOME: tempDir() };
    const first = await startRestartableRelay('--tls');
    const room = newRoom(first.port);
    const observed = await runShared(['send', room.text, '-m', 'x', '--tls'], { env });
    expect([observed.code, observed.err]).toStrictEqual([
      0,
      `rxchat: first connection to the relay at 127.0.0.1:${first.port}; its key is trusted from now on (pin ${await printedPin(first.child)})\n`,
    ]);
    expect((await runShared(['send', room.text, '-m', 'x', '--tls'], { env })).err).toBe('');
    // Another relay in its place.
    await first.stop();
    copyFileSync(join((await startRestartableRelay('--tls')).dir, 'tls.pem'), join(first.dir, 'tls.pem'));
    await first.start();
    const other = await runShared(['listen', room.text, '--tls'], { env });
    expect([other.code, other.out]).toStrictEqual([5, '']);
    expect(other.err).toContain('has a different key than last time; this may be an attack\n');
    expect((await runShared(['send', room.text, '-m', 'x', '--tls', '--accept-key'], { env })).code).toBe(0);
    expect((await runShared(['send', room.text, '-m', 'x', '--tls'], { env })).code).toBe(0);
  });

  test('keeps its key when it is killed and restarted under a sender, and nothing is lost', async () => {
    const relay = await startRestartableRelay('--tls');
    const room = newRoom(relay.port, await printedPin(relay.child));
    const listener = rxchat(['listen', room.text, '-n', '400', '--nick', 'ear']);
    await relay.joined('ear');
    const sender = rxchat(['send', room.text, '--nick', 's1']);
    const lines = (from: number) => Array.from({ length: 200 }, (_, k) => `${from + k}\n`).join('');
    sender.writeInput(lines(1));
    await listener.out.until(lineWith('s1: 100'));
    await relay.kill();
    sender.writeInput(lines(201));
    await relay.start();
    sender.endInput();
    expect([await sender.exit, await listener.exit]).toStrictEqual([0, 0]);
    expect(listener.out.lines).toStrictEqual(Array.from({ length: 400 }, (_, k) => `s1: ${k + 1}`));
  });
});

describe('a man in the middle', () => {
  test('cannot pass on a proof, because it is bound to the channel', async () => {
    const relay = await startRelay('--tls');
    const room = newRoom(relay.port);
    const between = createTlsServer({ ...(await newCertificate()), minVersion: 'TLSv1.3' }, (client) => {
      const onward = connectWithTls({ port: relay.port, host: '127.0.0.1', rejectUnauthorized: false });
      for (const [from, to] of [
        [client, onward],
        [onward, client],
      ] as const)
        from.on('error', () => to.destroy()).pipe(to);
    });
    onCleanup(() => between.close());
    between.listen(0, '127.0.0.1');
    await once(between, 'listening');
    const { port } = between.address() as AddressInfo;
    // A client that connects for the first time trusts the man in the middle.
    const { code, err } = await send(unpinned(viaPort(port, room)), '--tls');
    expect([code, err]).toStrictEqual([
      4,
      expect.stringContaining(
        'refused: the proof is invalid for this room (bad-proof); nothing was sent (0 of 1)',
      ),
    ]);
    expect(relay.child.err.text).not.toContain('joined');
    // The same proof without a man in the middle.
    expect((await send(unpinned(room), '--tls')).code).toBe(0);
  });
});

describe('a client and a relay of which only one uses TLS', () => {
  test('report that to each other', async () => {
    const plain = await startRelay();
    const withTls = await send(newRoom(plain.port).text, '--tls');
    expect([withTls.code, withTls.err]).toStrictEqual([
      3,
      expect.stringContaining(`cannot reach 127.0.0.1:${plain.port}: it does not speak TLS`),
    ]);
    // The relay keeps running.
    expect((await send(newRoom(plain.port).text)).code).toBe(0);
  });
});

describe('a certificate from files', () => {
  test('is reloaded by admin reload, unless the new files are invalid', async () => {
    const [dir, data] = [tempDir(), tempDir()];
    const first = await putCertificate(dir);
    const relay = await startRelay(...first.flags, '--data', data);
    const room = newRoom(relay.port, first.pin);
    const stays = rxchat(['listen', room.text, '-n', '1', '--nick', 'stays']);
    await relay.joined('stays');
    const reload = () => runShared(['admin', 'reload', '--data', data]);

    const second = await putCertificate(dir);
    expect(await reload()).toMatchObject({ code: 0, out: 'reloaded; log level info, bans: 0\n' });
    await relay.child.err.until(lineWith(`the certificate was reloaded; its pin is ${second.pin}`));
    expect((await send(room.text)).code).toBe(5);

    const key = join(dir, 'key.pem');
    writeFileSync(key, 'rubbish');
    expect(await reload()).toMatchObject({
      code: 4,
      err: expect.stringContaining(`${key} has no private key in PEM`) as unknown,
    });
    // The member that was connected all the time still is.
    expect((await send(viaPort(relay.port, { ...room, pin: second.pin }).text)).code).toBe(0);
    expect(await stays.exit).toBe(0);
  });

  test('is reloaded on SIGHUP, and kept when the new files are invalid', async () => {
    const dir = tempDir();
    const first = await putCertificate(dir);
    const relay = await startRelay(...first.flags);
    expect(await printedPin(relay.child)).toBe(first.pin);
    const room = newRoom(relay.port, first.pin);
    const stays = rxchat(['listen', room.text, '-n', '1', '--nick', 'stays']);
    await relay.joined('stays');

    const second = await putCertificate(dir);
    relay.child.signal('SIGHUP');
    await relay.child.err.until(lineWith(`the certificate was reloaded; its pin is ${second.pin}`));
    expect((await send(room.text)).code).toBe(5);
    expect((await send(newRoom(relay.port, second.pin).text)).code).toBe(0);

    const key = join(dir, 'key.pem');
    const right = readFileSync(key);
    writeFileSync(key, 'rubbish');
    relay.child.signal('SIGHUP');
    await relay.child.err.until(
      lineWith(`${key} has no private key in PEM; the previous certificate stays in use`),
    );
    expect((await send(newRoom(relay.port, second.pin).text)).code).toBe(0);
    writeFileSync(key, right);

    // Members connected all the time still are.
    const late = { ...room, text: viaPort(relay.port, { ...room, pin: second.pin }).text };
    expect((await send(late.text)).code).toBe(0);
    expect(await stays.exit).toBe(0);
  });
});
