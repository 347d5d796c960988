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
import { nodeCipher } from '../../src/crypto/nodeCipher.js';
import { deriveRoomKeys } from '../../src/crypto/roomKeys.js';
import { createIdentity } from '../../src/crypto/signingKey.js';
import { createInvite } from '../../src/invite/invite.js';
import { openSpool, type Spool, type SpoolOptions } from '../../src/cli/spool.js';
import { encodeEnvelope } from '../../streams/client/envelope.js';
import type { Heard } from '../../streams/client/conversation.js';
import { welcome } from '../support/heard.js';
import { envelope } from '../support/people.js';

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
const said = (...lines: string[]): Extract<Heard, { type: 'said' }> => {
  counter += 1;
  const each = envelope({ lines, room, key: identity.key, counter });
  const token = nodeCipher().seal(fernetKey, encodeEnvelope(each, identity), 0);
  return { type: 'said', lines, token, bytes: token.length + 1 };
};
const storedOf = (each: Extract<Heard, { type: 'said' }>): Heard => ({
  ...each,
  type: 'stored',
  position: 5,
});

const files = (): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
const restoredLines = ({ said: restored }: Spool) => restored.map(({ lines }) => lines);

/** A run, and its end: the kernel lets go of what it used. */
interface Run {
  readonly spool: Spool;
  readonly told: readonly string[];
  readonly end: () => Promise<void>;
}

const runs = new Set<Run>();
const begin = (more: Partial<SpoolOptions> = {}): Promise<Run> =>
  new Promise((resolve) => {
    const told: string[] = [];
    const opened = openSpool({
      dir,
      invite,
      nick: 'alice',
      tell: (text) => told.push(text),
      ...more,
    }).subscribe((spool) => {
      const run: Run = {
        spool,
        told,
        end: () => {
          runs.delete(run);
          // The socket is gone in a later turn of the event loop.
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
/** A run that has left this. */
const left = async (...lines: string[]): Promise<string> => {
  const { spool, end } = await begin();
  spool.take(said(...lines));
  spool.save();
  const before = new Set(files());
  await end();
  return [...before].at(-1) ?? '';
};

describe('a spool', () => {
  test('keeps what has no receipt, and nothing else, in a file that only its owner reads', async () => {
    const { spool } = await begin();
    const [first, second] = [said('one'), said('two', 'three')];
    for (const each of [first, second, storedOf(first)]) spool.take(each);
    spool.save();
    expect(spool.count).toBe(2);
    const [file = ''] = files();
    expect(files()).toHaveLength(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain(second.token);
    expect(readFileSync(file, 'utf8')).not.toMatch(/two|three/);
    spool.take(storedOf(second));
    spool.save();
    expect(files()).toStrictEqual([]);
  });

  test('goes on where an ended run was: its session, its position, its tokens in their order', async () => {
    const ended = await begin();
    const tokens = [said('one'), said('two')];
    for (const each of [welcome({ log: 'L', from: 7 }), ...tokens]) ended.spool.take(each);
    ended.spool.take({ type: 'gap', from: 7, to: 9 });
    ended.spool.save();
    await ended.end();
    const { spool, told } = await begin();
    expect(spool.session).toBe(ended.spool.session);
    expect(spool.after).toStrictEqual({ log: 'L', n: 9 });
    expect(spool.said).toStrictEqual(tokens);
    // Said again by the conversation; they are not to be kept twice.
    for (const each of tokens) spool.take(each);
    expect(spool.count).toBe(2);
    expect(told).toStrictEqual([]);
  });

  test('what it took over stays on disk, though this run never comes as far as the room', async () => {
    await left('one');
    const second = await begin();
    second.spool.save();
    await second.end();
    expect(restoredLines((await begin()).spool)).toStrictEqual([['one']]);
  });

  test('what was not even said is kept too, sealed', async () => {
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

  test('takes 64 MiB of what was not even said, and leaves the rest', async () => {
    const { spool } = await begin();
    // Each is a token of 64 KiB, near enough.
    for (let n = 0; n < 1100; n += 1) spool.add({ lines: ['x'.repeat(48_500)] });
    expect(spool.count).toBeGreaterThan(1000);
    expect(spool.count).toBeLessThan(1050);
  });

  test('leaves alone what belongs to another room, or to a run that goes on, which it tells', async () => {
    const other = await begin({ invite: createInvite() });
    other.spool.add({ lines: ['elsewhere'] });
    other.spool.save();
    await other.end();
    const running = await begin();
    running.spool.take(said('mine'));
    running.spool.save();
    const { spool, told } = await begin();
    expect(spool.said).toStrictEqual([]);
    expect(told).toStrictEqual(['in the outbox wait 1 message of another rxchat that runs; it sends them']);
    expect(files()).toHaveLength(2);
  });

  test('takes over what is left by a run whose process number is in use again, as after a restart', async () => {
    const file = await left('one');
    // As earlier versions called their files, of a process that is there: this one, and its parent.
    for (const pid of [process.pid, process.ppid]) {
      const name = join(file, '..', `${pid}-AAAAAAAA.json`);
      renameSync(files()[0] ?? '', name);
      const { spool, told, end } = await begin();
      expect([restoredLines(spool), told]).toStrictEqual([[['one']], []]);
      await end();
    }
  });

  test('takes over what a killed run has left beside its socket', async () => {
    const file = await left('one');
    // What a killed process leaves is a socket that nobody listens on.
    const code = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', code, file.replace(/json$/, 'sock')]);
    spawnSync(process.execPath, ['-e', code, join(file, '..', 'alone.sock')]);
    expect(sockets()).toHaveLength(2);
    const { spool } = await begin();
    expect(restoredLines(spool)).toStrictEqual([['one']]);
    // Such as have no file are removed, once the loop has turned.
    while (sockets().length > 1) await new Promise(setImmediate);
  });

  test('takes over the oldest, and tells that more waits', async () => {
    const one = await begin();
    const other = await begin();
    for (const [{ spool }, text] of [
      [one, 'one'],
      [other, 'two'],
    ] as const) {
      spool.take(said(text));
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
    const { spool, told } = await begin();
    expect(JSON.parse(readFileSync(second, 'utf8'))).toMatchObject({
      tokens: spool.said.map(({ token }) => token),
    });
    expect(told).toStrictEqual([
      'in the outbox wait 1 message of earlier runs; the next join or send --spool sends them',
    ]);
  });

  test.each(['', '{', '{"v":1}', '[]', '{"v":2,"session":"x","tokens":["gAAAA"]}'])(
    'a file that is no spool (%p) stops nobody, is told, and is not lost',
    async (text) => {
      const file = await left('x');
      writeFileSync(file, text);
      const { spool, told } = await begin();
      expect(spool.said).toStrictEqual([]);
      expect(told).toStrictEqual([
        `cannot read ${file}: it is damaged, or a newer rxchat made it; what waits there is kept, and not sent`,
      ]);
      expect(readFileSync(file, 'utf8')).toBe(text);
    },
  );

  test('what cannot be opened is told: a directory in its place, tokens of somebody else', async () => {
    const file = await left('x');
    const { tokens } = JSON.parse(readFileSync(file, 'utf8')) as { tokens: string[] };
    writeFileSync(file, JSON.stringify({ v: 1, session: 'A'.repeat(22), tokens: ['gAAAAAB', ...tokens] }));
    const first = await begin();
    expect(first.told).toStrictEqual([`in ${file} 1 message cannot be opened, and is not sent`]);
    expect(restoredLines(first.spool)).toStrictEqual([['x']]);
    await first.end();
    rmSync(file);
    mkdirSync(file);
    expect((await begin()).told).toStrictEqual([
      `cannot read ${file}: it is a directory; what waits there is kept, and not sent`,
    ]);
  });

  test.each([
    ['a.b/7', 'A'.repeat(22)],
    ['log/999999999999999999', 'A'.repeat(22)],
    [7, 'A'.repeat(22)],
    [undefined, 'short'],
    [undefined, 7],
  ])('a place (%p) and a session (%p) that cannot be read cost no message', async (after, session) => {
    const file = await left('one');
    const content = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...content, after, session }));
    const { spool, told } = await begin();
    expect(restoredLines(spool)).toStrictEqual([['one']]);
    expect(spool.session).toMatch(/^[\w-]{22}$/);
    expect(told).toStrictEqual([]);
  });

  test('what cannot be kept is told once', async () => {
    writeFileSync(join(dir, 'file'), '');
    const told: string[] = [];
    const spool = await firstValueFrom(
      openSpool({ dir: join(dir, 'file'), invite, nick: 'alice', tell: (text) => told.push(text) }),
    );
    for (const line of ['one', 'two']) {
      spool.take(said(line));
      spool.save();
    }
    expect(spool.isKept).toBe(false);
    expect(told).toStrictEqual([
      expect.stringMatching(
        /^cannot keep what is not stored yet in .*: a part of the path is not a directory$/,
      ),
    ]);
  });
});
