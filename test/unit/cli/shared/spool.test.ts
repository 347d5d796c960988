import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom } from 'rxjs';
import { nodeCipher } from '../../../../src/crypto/nodeCipher.js';
import { createIdentity, deriveRoomKeys } from '../../../../src/crypto/nodeKeys.js';
import { createInvite } from '../../../../src/invite/invite.js';
import { openSpool, type Spool, type SpoolOptions } from '../../../../src/cli/shared/spool.js';
import { encodeEnvelope } from '../../../../streams/client/envelope/envelope.js';
import type { ClientEvent } from '../../../../streams/client/clientEvent.js';
import type { Token } from '../../../../streams/client/envelope/cipher.js';
import { toBase64url } from '../../../../streams/wire/index.js';
import { welcomeEvent } from '../../../support/clientEvents.js';
import { envelope } from '../../../support/envelopes.js';

const invite = createInvite();
const { room, fernetKey } = deriveRoomKeys(invite.secret);
const identity = createIdentity();

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-spool-'));
});
afterEach(async () => {
  for (const run of runs) await run.end();
  rmSync(dir, { recursive: true, force: true });
});

let counter = 0;
const queued = (...lines: string[]): Extract<ClientEvent, { type: 'queued' }> => {
  counter += 1;
  const each = envelope({ lines, room, key: identity.key, counter });
  const token = nodeCipher().seal(fernetKey, encodeEnvelope(each, identity), 0);
  return { type: 'queued', lines, token, bytes: token.length + 1 };
};
const storedOf = (each: Extract<ClientEvent, { type: 'queued' }>): ClientEvent => ({
  ...each,
  type: 'stored',
  position: 5,
});

const files = (): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
const restoredLines = ({ pending: restored }: Spool) => restored.map(({ lines }) => lines);

/** A run, and its end: the kernel releases its resources. */
interface Run {
  readonly spool: Spool;
  readonly reported: readonly string[];
  readonly end: () => Promise<void>;
}

const runs = new Set<Run>();
const begin = (more: Partial<SpoolOptions> = {}): Promise<Run> =>
  new Promise((resolve) => {
    const reported: string[] = [];
    const opened = openSpool({
      dir,
      invite,
      nick: 'alice',
      report: (text) => reported.push(text),
      ...more,
    }).subscribe((spool) => {
      const run: Run = {
        spool,
        reported,
        end: () => {
          runs.delete(run);
          // The socket is gone in a later tick of the event loop.
          setImmediate(() => {
            opened.unsubscribe();
          });
          return socketGone();
        },
      };
      runs.add(run);
      resolve(run);
    });
  });

const sockets = (): string[] =>
  readdirSync(dir, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.sock'));
const socketGone = async (): Promise<void> => {
  const before = sockets().length;
  while (sockets().length === before) await new Promise(setImmediate);
};
/** A run that has left these tokens. */
const left = async (...lines: string[]): Promise<string> => {
  const { spool, end } = await begin();
  spool.update(queued(...lines));
  spool.save();
  const before = new Set(files());
  await end();
  return [...before].at(-1) ?? '';
};

describe('a spool', () => {
  test('keeps only tokens without a receipt, in a file that only its owner can read', async () => {
    const { spool } = await begin();
    const [first, second] = [queued('one'), queued('two', 'three')];
    for (const each of [first, second, storedOf(first)]) spool.update(each);
    spool.save();
    expect(spool.lineCount).toBe(2);
    const [file = ''] = files();
    expect(files()).toHaveLength(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain(second.token);
    expect(readFileSync(file, 'utf8')).not.toMatch(/two|three/);
    spool.update(storedOf(second));
    spool.save();
    expect(files()).toStrictEqual([]);
  });

  test('continues an ended run with its session, position and tokens in order', async () => {
    const ended = await begin();
    const tokens = [queued('one'), queued('two')];
    for (const each of [welcomeEvent({ log: 'L', from: 7 }), ...tokens]) ended.spool.update(each);
    ended.spool.update({ type: 'gap', from: 7, to: 9 });
    ended.spool.save();
    await ended.end();
    const { spool, reported: reports } = await begin();
    expect(spool.session).toBe(ended.spool.session);
    expect(spool.after).toStrictEqual({ log: 'L', n: 9 });
    expect(spool.pending).toStrictEqual(tokens);
    // The client sends them again; they must not be kept twice.
    for (const each of tokens) spool.update(each);
    expect(spool.lineCount).toBe(2);
    expect(reports).toStrictEqual([]);
  });

  test('of a group room saves the content, since its tokens cannot be read again, also after a move', async () => {
    const dataHome = process.env['XDG_DATA_HOME'];
    process.env['XDG_DATA_HOME'] = join(dir, 'data');
    const group = toBase64url(new Uint8Array(32).fill(1));
    const content = envelope({ lines: ['one'], nick: 'alice', act: 'me' });
    const { session, counter: number, time } = content;
    const message = { ...queued('one'), act: 'me' as const, token: 'unreadable' as Token, content };
    const first = await begin({ invite: { ...invite, group } });
    first.spool.update(message);
    first.spool.save();
    await first.end();
    const { spool } = await begin({ invite: { ...createInvite(), group } });
    expect(spool.pending).toMatchObject([
      { lines: ['one'], act: 'me', content: { session, counter: number, time } },
    ]);
    // It has another token now.
    spool.update({ ...spool.pending[0]!, type: 'stored', token: 'another' as Token, position: 9 });
    expect(spool.lineCount).toBe(0);
    // Those who have only the directory of the spools cannot read it.
    expect((await begin({ invite })).spool.pending).toStrictEqual([]);
    if (dataHome === undefined) delete process.env['XDG_DATA_HOME'];
    else process.env['XDG_DATA_HOME'] = dataHome;
  });

  test('keeps adopted tokens on disk when the run never joins the room', async () => {
    await left('one');
    const second = await begin();
    second.spool.save();
    await second.end();
    expect(restoredLines((await begin()).spool)).toStrictEqual([['one']]);
  });

  test('keeps unsent lines sealed', async () => {
    const { spool, end } = await begin();
    spool.add({ lines: ['later'] });
    spool.save();
    expect(
      files()
        .map((file) => readFileSync(file, 'utf8'))
        .join(),
    ).not.toMatch(/later/);
    await end();
    expect(restoredLines((await begin()).spool)).toStrictEqual([['later']]);
  });

  test('keeps at most 64 MiB of unsent lines, and leaves the rest in the input', async () => {
    const { spool } = await begin();
    // Each is a token of about 64 KiB.
    for (let n = 0; n < 1100; n += 1) spool.add({ lines: ['x'.repeat(48_500)] });
    expect(spool.lineCount).toBeGreaterThan(1000);
    expect(spool.lineCount).toBeLessThan(1050);
  });

  test('leaves spools of other rooms and of live runs alone, and reports live ones', async () => {
    const other = await begin({ invite: createInvite() });
    other.spool.add({ lines: ['elsewhere'] });
    other.spool.save();
    await other.end();
    const running = await begin();
    running.spool.update(queued('mine'));
    running.spool.save();
    const { spool, reported: reports } = await begin();
    expect(spool.pending).toStrictEqual([]);
    expect(reports).toStrictEqual(['the outbox holds 1 message of another running rxchat; it sends them']);
    expect(files()).toHaveLength(2);
  });

  test('adopts the spool of a run whose process id is in use again', async () => {
    const file = await left('one');
    // File names of earlier versions, for live processes: this one and its parent.
    for (const pid of [process.pid, process.ppid]) {
      const name = join(file, '..', `${pid}-AAAAAAAA.json`);
      renameSync(files()[0] ?? '', name);
      const { spool, reported: reports, end } = await begin();
      expect([restoredLines(spool), reports]).toStrictEqual([[['one']], []]);
      await end();
    }
  });

  test('adopts the spool that a killed run left next to its socket', async () => {
    const file = await left('one');
    // A killed process leaves a socket that nobody listens on.
    const code = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', code, file.replace(/json$/, 'sock')]);
    spawnSync(process.execPath, ['-e', code, join(file, '..', 'alone.sock')]);
    expect(sockets()).toHaveLength(2);
    const { spool } = await begin();
    expect(restoredLines(spool)).toStrictEqual([['one']]);
    // Sockets without a file are removed in a later tick.
    while (sockets().length > 1) await new Promise(setImmediate);
  });

  test('adopts the oldest spool, and reports that more remain', async () => {
    const one = await begin();
    const other = await begin();
    for (const [{ spool }, text] of [
      [one, 'one'],
      [other, 'two'],
    ] as const) {
      spool.update(queued(text));
      spool.save();
    }
    const at = (second: number) => new Date(1_700_000_000_000 + 1000 * second);
    const [first = '', second = ''] = files().sort((a, b) =>
      readFileSync(a, 'utf8') < readFileSync(b, 'utf8') ? -1 : 1,
    );
    utimesSync(first, at(1), at(1));
    utimesSync(second, at(0), at(0));
    await one.end();
    await other.end();
    const { spool, reported: reports } = await begin();
    expect(JSON.parse(readFileSync(second, 'utf8'))).toMatchObject({
      tokens: spool.pending.map(({ token }) => token),
    });
    expect(reports).toStrictEqual([
      'the outbox holds 1 message of earlier runs; the next join or send --spool sends them',
    ]);
  });

  test.each(['', '{', '{"v":1}', '[]', '{"v":2,"session":"x","tokens":["gAAAA"]}'])(
    'reports and keeps an invalid spool file (%p), and continues',
    async (text) => {
      const file = await left('x');
      writeFileSync(file, text);
      const { spool, reported: reports } = await begin();
      expect(spool.pending).toStrictEqual([]);
      expect(reports).toStrictEqual([
        `cannot read ${file}: it is damaged, or a newer rxchat wrote it; its messages are kept but not sent`,
      ]);
      expect(readFileSync(file, 'utf8')).toBe(text);
    },
  );

  test('reports a spool that cannot be opened: a directory, or tokens of another sender', async () => {
    const file = await left('x');
    const { tokens } = JSON.parse(readFileSync(file, 'utf8')) as { tokens: string[] };
    writeFileSync(file, JSON.stringify({ v: 1, session: 'A'.repeat(22), tokens: ['gAAAAAB', ...tokens] }));
    const first = await begin();
    expect(first.reported).toStrictEqual([`in ${file} 1 message cannot be opened, and is not sent`]);
    expect(restoredLines(first.spool)).toStrictEqual([['x']]);
    await first.end();
    rmSync(file);
    mkdirSync(file);
    expect((await begin()).reported).toStrictEqual([
      `cannot read ${file}: it is a directory; its messages are kept but not sent`,
    ]);
  });

  test.each([
    ['a.b/7', 'A'.repeat(22)],
    ['log/999999999999999999', 'A'.repeat(22)],
    [7, 'A'.repeat(22)],
    [undefined, 'short'],
    [undefined, 7],
  ])('loses no message for an invalid position (%p) and session (%p)', async (after, session) => {
    const file = await left('one');
    const content = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...content, after, session }));
    const { spool, reported: reports } = await begin();
    expect(restoredLines(spool)).toStrictEqual([['one']]);
    expect(spool.session).toMatch(/^[\w-]{22}$/);
    expect(reports).toStrictEqual([]);
  });

  test('reports once that it cannot write', async () => {
    writeFileSync(join(dir, 'file'), '');
    const reported: string[] = [];
    const spool = await firstValueFrom(
      openSpool({ dir: join(dir, 'file'), invite, nick: 'alice', report: (text) => reported.push(text) }),
    );
    for (const line of ['one', 'two']) {
      spool.update(queued(line));
      spool.save();
    }
    expect(spool.isSaved).toBe(false);
    expect(reported).toStrictEqual([
      expect.stringMatching(/^cannot save unstored messages in .*: a part of the path is not a directory$/),
    ]);
  });
});
