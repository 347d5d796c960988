import { afterEach, describe, expect, test } from '@jest/globals';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newDir, run, start, RXCHAT } from './support/child.js';
import { endAll } from './support/endings.js';
import { checkHistory } from '../../src/history/index.js';
import { allWell } from './support/faults/account.js';
import { type Disk, disks, hasPrlimit, SMALL, works } from './support/faults/disks.js';
import { diskFull } from './support/faults/storage.js';

afterEach(endAll);

const limits = await hasPrlimit();
const testOnLinux = limits ? test : test.skip;

const found = await disks();
if (found.length < 2)
  console.warn('SKIPPED: a full disk, where there is neither prlimit nor a tmpfs for everyone');

describe('a disk that is full or read-only: no receipts, everyone is told, readers go on; then all of it is stored', () => {
  (found.length > 0 ? test.each(found) : test.skip.each([{ name: 'none here' } as Disk]))(
    '$name',
    async (disk) => {
      const account = await diskFull(disk);
      expect(account).toStrictEqual(allWell(account.sent));
    },
  );
});

const ROUNDS = 30;
const byTmpfs = found.find(({ name }) => name === SMALL)?.by;

(byTmpfs === undefined ? test.skip : test)(
  `a disk that gets full ${ROUNDS} times: what was stored is there, and there is no harm to the process`,
  async () => {
    const dir = newDir();
    const script = fileURLToPath(new URL('support/fullDisk.mjs', import.meta.url));
    const [program = '', ...by] = byTmpfs?.(dir) ?? [];
    const child = start(program, [...by, process.execPath, script, dir, String(ROUNDS), '1']);
    expect([await child.exit, child.err.text]).toStrictEqual([0, '']);
    expect(child.out.text).toMatch(/^\d+ stored, [1-9]\d* more refused\n$/);
  },
);

const hasStrace = await works('strace', '-f', '-qq', '-o', '/dev/null', 'true');
if (!hasStrace) console.warn('SKIPPED: a disk that fails, which needs strace');
const testWithStrace = hasStrace ? test : test.skip;

/** What starts a program in which calls of the system fail. */
const failing = (fault: string): readonly string[] => [
  ...['-f', '-qq', '-o', '/dev/null', '-e', `trace=${fault.split(':')[0]}`, '-e', `inject=${fault}`],
  process.execPath,
];

const INPUT_OUTPUT = 'the disk reports an input/output error';

const FAULTS = [
  ['a write of its own', 'pwrite64:error=EIO:when=40+3', 0, INPUT_OUTPUT],
  [
    'its own writes, by being full now and then',
    'pwrite64:error=ENOSPC:when=40+3',
    0,
    'no space left on device',
  ],
  ['every ninth write', 'pwrite64,writev:error=EIO:when=61+9', 0, INPUT_OUTPUT],
  ['all writes', 'pwritev,pwrite64:error=EIO:when=60+1', 9, INPUT_OUTPUT],
  ['a flush of entries', 'msync:error=EIO:when=21', 0, INPUT_OUTPUT],
  // Each transaction flushes entries, then the head. If that fails, lmdb stores nothing until it is opened again.
  ['all flushes of entries', 'msync:error=EIO:when=21+1', 9, INPUT_OUTPUT],
  ['a flush of the head', 'msync:error=EIO:when=20', 9, INPUT_OUTPUT],
] as const;

describe('a disk that fails harms neither the process nor what was stored', () => {
  (hasStrace ? test.each(FAULTS) : test.skip.each(FAULTS))('at %s', async (_, fault, code, reason) => {
    const dir = newDir();
    const script = fileURLToPath(new URL('support/failingDisk.mjs', import.meta.url));
    const child = start('strace', [...failing(fault), script, dir, '120']);
    expect([await child.exit, child.err.text]).toStrictEqual([code, '']);
    const { stored, refused, reasons, message } = JSON.parse(child.out.text) as {
      readonly stored: number;
      readonly refused: number;
      readonly reasons: readonly string[];
      readonly message?: string;
    };
    expect(refused).toBeGreaterThan(0);
    expect(reasons[0]).toBe(reason);
    if (code === 9) expect(message).toBe(`the history in ${dir} can store nothing any more: ${reason}`);
    // What was refused may be there: it was written, and only the news of it failed.
    const { entries } = checkHistory(dir);
    expect(entries).toBeGreaterThanOrEqual(stored);
    expect(entries).toBeLessThanOrEqual(stored + refused);
  });
});

testWithStrace('a relay that can store nothing any more ends with 10 and says why', async () => {
  const dir = newDir();
  const relay = start('strace', [
    ...failing('msync:error=EIO:when=20'),
    ...[RXCHAT, 'serve', '--port', '0', '--data', dir],
  ]);
  const listening = await relay.out.until(({ lines }) => lines[0]);
  const port = /:(\d+)$/.exec(listening)?.[1] ?? '';
  const invite = (await run(['invite', '--port', port])).out.trim();
  const sender = start(process.execPath, [RXCHAT, 'send', invite]);
  while (relay.running) {
    sender.feed('a line\n');
    await new Promise(setImmediate);
  }
  expect(await relay.exit).toBe(10);
  expect(relay.err.text).toContain(`can store nothing any more: ${INPUT_OUTPUT}\nrxchat: hint: `);
});

/** One line that says what is wrong, and one that says what to do. */
const ONE_LINE = /^rxchat: [^\n]+\nrxchat: hint: [^\n]+\n$/;

test.each([
  ['a file', (dir: string) => dir],
  ['within a file', (dir: string) => join(dir, 'within')],
])('a directory for the history that is %s is told in one line', async (_, dirOf) => {
  const file = join(newDir(), 'file');
  writeFileSync(file, '');
  const { code, out, err } = await run(['serve', '--port', '0', '--data', dirOf(file)]);
  expect([code, out]).toStrictEqual([2, '']);
  expect(err).toMatch(ONE_LINE);
  expect(err).toContain(file);
});

test('a directory with a long path is refused to a second relay, whatever TMPDIR either has', async () => {
  const data = join(newDir(), 'x'.repeat(120));
  const serveIn = (TMPDIR: string) =>
    start(process.execPath, [RXCHAT, 'serve', '--port', '0', '--data', data], { env: { TMPDIR } });
  const first = serveIn(newDir());
  await first.out.until(({ lines }) => lines[0]?.startsWith('listening on '));
  const second = serveIn(newDir());
  expect([await second.exit, second.out.text]).toStrictEqual([2, '']);
  expect(second.err.text).toMatch(ONE_LINE);
  expect(second.err.text).toContain('another relay uses the history');
});

testOnLinux('a disk that is full from the start is told in one line', async () => {
  const dir = newDir();
  const serve = [process.execPath, RXCHAT, 'serve', '--port', '0', '--data', dir];
  const relay = start('prlimit', ['--fsize=1000', '--', ...serve]);
  expect([await relay.exit, relay.out.text]).toStrictEqual([2, '']);
  expect(relay.err.text).toMatch(ONE_LINE);
});

// Root may write everywhere, unless it gives that up.
const by =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--'] : [];

test.each([
  ['written', 0o500],
  ['read', 0o000],
])('a directory for the history that cannot be %s is told in one line', async (_, mode) => {
  const dir = newDir();
  chmodSync(dir, mode);
  const { code, out, err } = await run(['serve', '--port', '0', '--data', dir], { by });
  expect([code, out]).toStrictEqual([2, '']);
  expect(err).toMatch(ONE_LINE);
  expect(err).toContain(dir);
});
