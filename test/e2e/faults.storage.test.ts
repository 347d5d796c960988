import { afterEach, describe, expect, test } from '@jest/globals';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newDir, run, start, RXCHAT } from './support/child.js';
import { endAll } from './support/endings.js';
import { allWell } from './support/faults/account.js';
import { type Disk, disks, hasPrlimit, SMALL } from './support/faults/disks.js';
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
