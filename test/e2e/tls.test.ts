import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer, connect as connectWithTls } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { leafOf } from '../../src/tls/certificate.js';
import { pinOf } from '../../src/tls/pin.js';
import type { Certificate } from '../../src/transport/tls.js';
import { newCertificate } from '../support/certificates.js';
import { type Child, newDir, run, rxchat } from './support/child.js';
import { atEnd, endAll } from './support/endings.js';
import { lastingRelay } from './support/faults/lastingRelay.js';
import { startProxy } from './support/proxy.js';
import { newRoom, type Room, startRelay, through } from './support/relay.js';
import { line } from './support/said.js';

afterEach(endAll);

/** The pin that a relay shows on start. */
const shownPin = async ({ err }: Child): Promise<string> => {
  const [, pin] = await err.until(({ text }) => / --pin=([\w-]{43})\n/.exec(text));
  return pin ?? '';
};

/** Makes a certificate and writes it into a directory. */
const putCertificate = async (dir: string): Promise<{ flags: string[]; pin: string }> => {
  const certificate: Certificate = await newCertificate();
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  writeFileSync(cert, certificate.cert);
  writeFileSync(key, certificate.key);
  return { flags: ['--cert', cert, '--key', key], pin: pinOf(leafOf(certificate, cert)) };
};

const unpinned = (room: Room): string => room.text.replace(/,pin=.*/, '');
const say = (invite: string, ...flags: string[]) => run(['send', invite, '-m', 'hello', ...flags]);

describe('a relay with TLS', () => {
  test('is reached by an invite with the pin that it shows, and the conversation is as any other', async () => {
    const relay = await startRelay('--tls');
    const pin = await shownPin(relay.child);
    const made = await run(['invite', '--port', String(relay.port), '--pin', pin]);
    const invite = made.out.trim();
    expect(invite).toMatch(new RegExp(`^rxchat://127\\.0\\.0\\.1:${relay.port}/#[\\w-]{43},pin=${pin}$`));
    const sent = await run(['send', invite], { input: 'one\ntwo\n' });
    expect([sent.code, sent.err]).toStrictEqual([0, '']);
    const { out } = await run(['listen', invite, '--after', '0', '-n', '2', '--json']);
    expect(out.split('\n', 2).map((each) => (JSON.parse(each) as { text: string }).text)).toStrictEqual([
      'one',
      'two',
    ]);
  });

  test('shows nothing of nick, room or token on the way', async () => {
    const relay = await startRelay('--tls');
    const seen: Buffer[] = [];
    const record = () => (chunk: Buffer, on: (bytes: Uint8Array) => void) => {
      seen.push(Buffer.from(chunk));
      on(chunk);
    };
    const port = await startProxy(relay.port, { up: record, down: record });
    const room = through(port, newRoom(relay.port, await shownPin(relay.child)));
    expect((await say(room.text, '--nick', 'somebody')).code).toBe(0);
    const bytes = Buffer.concat(seen).toString('latin1');
    for (const text of ['NICK', 'somebody', 'gAAAA', 'WELCOME', 'room=']) expect(bytes).not.toContain(text);
    expect(bytes.length).toBeGreaterThan(1000);
  });

  test('that has another key than the pin is refused with 5, before anything is said', async () => {
    const relay = await startRelay('--tls');
    const room = newRoom(relay.port, 'A'.repeat(43));
    const { code, err } = await say(room.text);
    expect([code, err]).toStrictEqual([
      5,
      `rxchat: the relay at 127.0.0.1:${relay.port} has another key than the one that it should have\n` +
        'rxchat: hint: somebody may be in between, or the relay got a new key: ask for a new invite by another way\n',
    ]);
    expect(relay.child.err.text).not.toContain('joined');
  });

  test('without a pin is met once and then known; another key there is refused with 5 unless it is accepted', async () => {
    const env = { XDG_DATA_HOME: newDir() };
    const first = await lastingRelay('--tls');
    const room = newRoom(first.port);
    const met = await run(['send', room.text, '-m', 'x', '--tls'], { env });
    expect([met.code, met.err]).toStrictEqual([
      0,
      `rxchat: the relay at 127.0.0.1:${first.port} is met for the first time and trusted from now on; its pin is ${await shownPin(first.child)}\n`,
    ]);
    expect((await run(['send', room.text, '-m', 'x', '--tls'], { env })).err).toBe('');
    // Another one in its place.
    await first.stop();
    copyFileSync(join((await lastingRelay('--tls')).dir, 'tls.pem'), join(first.dir, 'tls.pem'));
    await first.start();
    const fooled = await run(['listen', room.text, '--tls'], { env });
    expect([fooled.code, fooled.out]).toStrictEqual([5, '']);
    expect(fooled.err).toContain('has another key than last time: somebody may be in between\n');
    expect((await run(['send', room.text, '-m', 'x', '--tls', '--accept-key'], { env })).code).toBe(0);
    expect((await run(['send', room.text, '-m', 'x', '--tls'], { env })).code).toBe(0);
  });

  test('is killed and started again under a sender: nothing is lost, and it has the same key', async () => {
    const relay = await lastingRelay('--tls');
    const room = newRoom(relay.port, await shownPin(relay.child));
    const listener = rxchat(['listen', room.text, '-n', '400', '--nick', 'ear']);
    await relay.joined('ear');
    const sender = rxchat(['send', room.text, '--nick', 's1']);
    const lines = (from: number) => Array.from({ length: 200 }, (_, k) => `${from + k}\n`).join('');
    sender.feed(lines(1));
    await listener.out.until(line('s1: 100'));
    await relay.kill();
    sender.feed(lines(201));
    await relay.start();
    sender.endInput();
    expect([await sender.exit, await listener.exit]).toStrictEqual([0, 0]);
    expect(listener.out.lines).toStrictEqual(Array.from({ length: 400 }, (_, k) => `s1: ${k + 1}`));
  });
});

describe('who is in between, and takes everyone for the relay and the relay for everyone,', () => {
  test('cannot pass on a proof: it is bound to the channel', async () => {
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
    atEnd(() => between.close());
    between.listen(0, '127.0.0.1');
    await once(between, 'listening');
    const { port } = between.address() as AddressInfo;
    // Whoever meets it for the first time takes it for the relay.
    const { code, err } = await say(unpinned(through(port, room)), '--tls');
    expect([code, err]).toStrictEqual([
      4,
      expect.stringContaining(
        'refused: the proof does not hold for this room (bad-proof); nothing was sent (0 of 1)',
      ),
    ]);
    expect(relay.child.err.text).not.toContain('joined');
    // The same way without one in between.
    expect((await say(unpinned(room), '--tls')).code).toBe(0);
  });
});

describe('who speaks TLS and who does not', () => {
  test('tell each other in words', async () => {
    const plain = await startRelay();
    const withTls = await say(newRoom(plain.port).text, '--tls');
    expect([withTls.code, withTls.err]).toStrictEqual([
      3,
      expect.stringContaining(`cannot reach 127.0.0.1:${plain.port}: it does not speak TLS`),
    ]);
    // And the relay goes on.
    expect((await say(newRoom(plain.port).text)).code).toBe(0);
  });
});

describe('a certificate of files', () => {
  test('is read again at SIGHUP, and kept where the files are wrong then', async () => {
    const dir = newDir();
    const first = await putCertificate(dir);
    const relay = await startRelay(...first.flags);
    expect(await shownPin(relay.child)).toBe(first.pin);
    const room = newRoom(relay.port, first.pin);
    const stays = rxchat(['listen', room.text, '-n', '1', '--nick', 'stays']);
    await relay.joined('stays');

    const second = await putCertificate(dir);
    relay.child.signal('SIGHUP');
    await relay.child.err.until(line(`the certificate was read again; its pin is ${second.pin}`));
    expect((await say(room.text)).code).toBe(5);
    expect((await say(newRoom(relay.port, second.pin).text)).code).toBe(0);

    const key = join(dir, 'key.pem');
    const right = readFileSync(key);
    writeFileSync(key, 'rubbish');
    relay.child.signal('SIGHUP');
    await relay.child.err.until(line(`${key} has no private key in PEM; the certificate that was is kept`));
    expect((await say(newRoom(relay.port, second.pin).text)).code).toBe(0);
    writeFileSync(key, right);

    // Who was in all the time still is.
    const late = { ...room, text: through(relay.port, { ...room, pin: second.pin }).text };
    expect((await say(late.text)).code).toBe(0);
    expect(await stays.exit).toBe(0);
  });
});
