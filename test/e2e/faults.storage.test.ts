import { afterEach, describe, expect, test } from '@jest/globals';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tempDir, run, start, RXCHAT } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { checkHistory } from '../../src/history/index.js';
import { allDelivered } from './support/faults/deliveryReport.js';
import { type Disk, disks, hasPrlimit, SMALL, runsOk } from './support/faults/disks.js';
import { fillDisk } from './support/faults/diskFull.js';

afterEach(cleanUp);

const limits = await hasPrlimit();
const testOnLinux = limits ? test : test.skip;

const found = await disks();
if (found.length < 2)
  console.warn('SKIPPED: a full disk, where there is neither prlimit nor a tmpfs for everyone');

describe('a full or read-only disk stops receipts, members are notified and keep reading, and all lines are stored afterwards', () => {
  (found.length > 0 ? test.each(found) : test.skip.each([{ name: 'none here' } as Disk]))(
    '$name',
    async (disk) => {
      const account = await fillDisk(disk);
      expect(account).toStrictEqual(allDelivered(account.sent));
    },
  );
});

const ROUNDS = 30;
const byTmpfs = found.find(({ name }) => name === SMALL)?.wrapper;

(byTmpfs === undefined ? test.skip : test)(
  `a disk that fills up ${ROUNDS} times loses no stored message, and the relay keeps running`,
  async () => {
    const dir = tempDir();
    const script = fileURLToPath(new URL('support/fullDisk.mjs', import.meta.url));
    const [program = '', ...by] = byTmpfs?.(dir) ?? [];
    const child = start(program, [...by, process.execPath, script, dir, String(ROUNDS), '1']);
    expect([await child.exit, child.err.text]).toStrictEqual([0, '']);
    expect(child.out.text).toMatch(/^\d+ stored, [1-9]\d* more refused\n$/);
  },
);

const hasStrace = await runsOk('strace', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', 'true');
if (!hasStrace) console.warn('SKIPPED: a disk that fails, which needs strace');
const testWithStrace = hasStrace ? test : test.skip;

/** Returns the arguments of strace that make system calls of a program fail. */
const failing = (fault: string): readonly string[] => [
  ...[
    '-f',
    '--seccomp-bpf',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    `trace=${fault.split(':')[0]}`,
    '-e',
    `inject=${fault}`,
  ],
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
  // Each transaction flushes entries, then the head. If that fails, lmdb stores nothing until it is reopened.
  ['all flushes of entries', 'msync:error=EIO:when=21+1', 9, INPUT_OUTPUT],
  ['a flush of the head', 'msync:error=EIO:when=20', 9, INPUT_OUTPUT],
] as const;

describe('a failing disk harms neither the process nor the stored messages', () => {
  (hasStrace ? test.each(FAULTS) : test.skip.each(FAULTS))('at %s', async (_, fault, code, reason) => {
    const dir = tempDir();
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
    if (code === 9) expect(message).toBe(`the history in ${dir} cannot store anything any more: ${reason}`);
    // A refused line may be in the log: it was written, and only its confirmation failed.
    const { entries } = checkHistory(dir);
    expect(entries).toBeGreaterThanOrEqual(stored);
    expect(entries).toBeLessThanOrEqual(stored + refused);
  });
});

testWithStrace('a relay that can no longer store anything exits 10 and says why', async () => {
  const dir = tempDir();
  const relay = start('strace', [
    ...failing('msync:error=EIO:when=20'),
    ...[RXCHAT, 'serve', '--port', '0', '--data', dir],
  ]);
  const listening = await relay.out.until(({ lines }) => lines[0]);
  const port = /:(\d+)$/.exec(listening)?.[1] ?? '';
  const invite = (await run(['invite', '--port', port])).out.trim();
  const sender = start(process.execPath, [RXCHAT, 'send', invite]);
  while (relay.running) {
    sender.writeInput('a line\n');
    await new Promise(setImmediate);
  }
  expect(await relay.exit).toBe(10);
  expect(relay.err.text).toContain(`cannot store anything any more: ${INPUT_OUTPUT}\nrxchat: hint: `);
});

/** Expects one line with the error, and one with a hint. */
const ONE_LINE = /^rxchat: [^\n]+\nrxchat: hint: [^\n]+\n$/;

test.each([
  ['a file', (dir: string) => dir],
  ['within a file', (dir: string) => join(dir, 'within')],
])('serve prints one line about a history directory that is %s', async (_, dirOf) => {
  const file = join(tempDir(), 'file');
  writeFileSync(file, '');
  const { code, out, err } = await run(['serve', '--port', '0', '--data', dirOf(file)]);
  expect([code, out]).toStrictEqual([2, '']);
  expect(err).toMatch(ONE_LINE);
  expect(err).toContain(file);
});

test('serve refuses a directory with a long path in use by another relay, whatever TMPDIR is', async () => {
  const data = join(tempDir(), 'x'.repeat(120));
  const serveIn = (TMPDIR: string) =>
    start(process.execPath, [RXCHAT, 'serve', '--port', '0', '--data', data], { env: { TMPDIR } });
  const first = serveIn(tempDir());
  await first.out.until(({ lines }) => lines[0]?.startsWith('listening on '));
  const second = serveIn(tempDir());
  expect([await second.exit, second.out.text]).toStrictEqual([2, '']);
  expect(second.err.text).toMatch(ONE_LINE);
  expect(second.err.text).toContain('another relay uses the history');
});

testOnLinux('serve prints one line when the disk is full from the start', async () => {
  const dir = tempDir();
  const serve = [process.execPath, RXCHAT, 'serve', '--port', '0', '--data', dir];
  const relay = start('prlimit', ['--fsize=1000', '--', ...serve]);
  expect([await relay.exit, relay.out.text]).toStrictEqual([2, '']);
  expect(relay.err.text).toMatch(ONE_LINE);
});

// Root may write everywhere, unless it drops that capability.
const by =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--'] : [];

test.each([
  ['written', 0o500],
  ['read', 0o000],
])('serve prints one line about a history directory that cannot be %s', async (_, mode) => {
  const dir = tempDir();
  chmodSync(dir, mode);
  const { code, out, err } = await run(['serve', '--port', '0', '--data', dir], { wrapper: by });
  expect([code, out]).toStrictEqual([2, '']);
  expect(err).toMatch(ONE_LINE);
  expect(err).toContain(dir);
});
