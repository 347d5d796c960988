import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { EMPTY, lastValueFrom, of, Subject, type Subscription, throwError } from 'rxjs';
import { type AnswerRequest, type ListenAdminOptions, listenAdmin } from '../../../src/admin/listenAdmin.js';
import { type AdminReply, MAX_REQUEST_BYTES, parseReply } from '../../../src/admin/protocol.js';
import { AdminError, requestAdmin } from '../../../src/admin/requestAdmin.js';
import { tempDirs } from '../../support/history/openHistory.js';

const dirs = tempDirs();
const open: { readonly unsubscribe: () => void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.unsubscribe();
  dirs.clear();
});

const done: AnswerRequest = ({ action }) => of({ ok: true, result: { action } });
const status = { action: 'status', user: 'root' } as const;

/** Listens in a directory, and returns its subscription. */
const listen = (
  dir: string,
  answer: AnswerRequest = done,
  options?: ListenAdminOptions,
): Promise<Subscription> =>
  new Promise((resolve, reject) => {
    const subscription: Subscription = listenAdmin(dir, answer, options).subscribe({
      next: () => {
        resolve(subscription);
      },
      error: reject,
    });
    open.push(subscription);
  });

/** Connects to the socket of a directory, and collects what it sends. */
const connectRaw = async (dir: string) => {
  const socket: Socket = connect(join(dir, 'admin.sock'));
  open.push({ unsubscribe: () => socket.destroy() });
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, 'connect');
  const reply = async (): Promise<AdminReply | undefined> => {
    await closed;
    return parseReply(text);
  };
  return { socket, reply };
};

describe('the admin socket', () => {
  test('answers a request, and is for its owner alone', async () => {
    const dir = dirs.make();
    await listen(dir);
    expect(statSync(join(dir, 'admin.sock')).mode & 0o777).toBe(0o600);
    expect(await lastValueFrom(requestAdmin(dir, status))).toStrictEqual({
      ok: true,
      result: { action: 'status' },
    });
  });

  test('works in a directory with a long path', async () => {
    const dir = join(dirs.make(), 'a'.repeat(120));
    mkdirSync(dir);
    await listen(dir);
    expect(await lastValueFrom(requestAdmin(dir, status))).toMatchObject({ ok: true });
  });

  test('is removed when the relay ends, and belongs to one relay at a time', async () => {
    const dir = dirs.make();
    const first = await listen(dir);
    await expect(listen(dir)).rejects.toThrow(`another relay uses the admin socket in ${dir}`);
    first.unsubscribe();
    expect(existsSync(join(dir, 'admin.sock'))).toBe(false);
    await listen(dir);
  });

  test('answers a client that ends its half of the connection after the request', async () => {
    const dir = dirs.make();
    const replies = new Subject<AdminReply>();
    await listen(dir, () => replies);
    const { socket, reply } = await connectRaw(dir);
    socket.end('{"version":1,"action":"status"}\n');
    while (!replies.observed) await new Promise(setImmediate);
    replies.next({ ok: true, result: {} });
    expect(await reply()).toStrictEqual({ ok: true, result: {} });
  });

  test.each<[string, AnswerRequest, string]>([
    ['fails', () => throwError(() => new Error('no')), 'no'],
    ['is missing', () => EMPTY, 'the relay gave no answer'],
    ['is too long', () => of({ ok: true, result: { a: 'a'.repeat(9_000_000) } }), 'the reply is too long'],
  ])('an answer that %s is an error for the client', async (_, answer, error) => {
    const dir = dirs.make();
    await listen(dir, answer);
    expect(await lastValueFrom(requestAdmin(dir, status))).toStrictEqual({ ok: false, error });
  });
});

describe('a hostile client of the admin socket', () => {
  test.each([
    ['sends garbage', '\u0000\u0001\n', 'the request is not an object in JSON'],
    ['sends no line break', '{"version":1}', 'the request has no line break at its end'],
    ['sends too much', 'a'.repeat(1_000_000), `the request is longer than ${MAX_REQUEST_BYTES} bytes`],
  ])('that %s gets one line', async (_, text, error) => {
    const dir = dirs.make();
    await listen(dir);
    const { socket, reply } = await connectRaw(dir);
    socket.end(text);
    expect(await reply()).toStrictEqual({ ok: false, error });
  });

  test('that sends nothing, or does not read its reply, is disconnected after a while', async () => {
    const dir = dirs.make();
    const answer: AnswerRequest = ({ target = '' }) =>
      of({ ok: true, result: { text: target.repeat(4_000_000) } });
    await listen(dir, answer, { requestTimeoutMs: 20, replyTimeoutMs: 20 });
    expect(await (await connectRaw(dir)).reply()).toBeUndefined();
    for (let n = 0; n < 8; n += 1) {
      const { socket } = await connectRaw(dir);
      socket.pause();
      socket.write('{"version":1,"action":"status","target":"a"}\n');
    }
    const ask = (): Promise<unknown> => lastValueFrom(requestAdmin(dir, status)).catch(ask);
    expect(await ask()).toMatchObject({ ok: true });
  });

  test('cannot take all sockets for ever, and costs the relay at most eight', async () => {
    const dir = dirs.make();
    const listening = await listen(dir);
    const all = await Promise.all(Array.from({ length: 8 }, () => connectRaw(dir)));
    await expect(lastValueFrom(requestAdmin(dir, status))).rejects.toBeInstanceOf(AdminError);
    all[0]!.socket.end('{"version":1,"action":"status"}\n');
    expect(await all[0]!.reply()).toMatchObject({ ok: true });
    expect(await lastValueFrom(requestAdmin(dir, status))).toMatchObject({ ok: true });
    listening.unsubscribe();
    for (const { reply } of all.slice(1)) expect(await reply()).toBeUndefined();
  });
});

describe('a request without a relay', () => {
  test('fails with one line, and a hint', async () => {
    const dir = dirs.make();
    const error = {
      message: `no running relay can be administered in ${dir}`,
      hint: expect.stringMatching(/--data/),
    };
    for (const each of [dir, join(dir, 'none'), join(dir, 'a'.repeat(120))])
      await expect(lastValueFrom(requestAdmin(each, status))).rejects.toMatchObject({
        ...error,
        message: error.message.replace(dir, each),
      });
  });

  test('fails if what listens there is no relay', async () => {
    const dir = dirs.make();
    const server = createServer((socket) => socket.end('hello')).listen(join(dir, 'admin.sock'));
    open.push({ unsubscribe: () => server.close() });
    await once(server, 'listening');
    await expect(lastValueFrom(requestAdmin(dir, status))).rejects.toThrow(
      `the relay in ${dir} ended without a reply`,
    );
  });
});
