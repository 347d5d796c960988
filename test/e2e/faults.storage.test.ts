import { afterEach, expect, test } from '@jest/globals';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDir, run, start, RXCHAT } from './support/child.js';
import { endAll } from './support/endings.js';
import { allWell } from './support/faults/account.js';
import { diskFull, hasPrlimit } from './support/faults/storage.js';

afterEach(endAll);

const limits = await hasPrlimit();
const testOnLinux = limits ? test : test.skip;

testOnLinux(
  'a disk that is full: no receipts, everyone is told, readers go on; then all of it is stored',
  async () => {
    const account = await diskFull();
    expect(account).toStrictEqual(allWell(account.sent));
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

testOnLinux('a disk that is full from the start is told in one line', async () => {
  const dir = newDir();
  const serve = [process.execPath, RXCHAT, 'serve', '--port', '0', '--data', dir];
  const relay = start('prlimit', ['--fsize=1000', '--', ...serve]);
  expect([await relay.exit, relay.out.text]).toStrictEqual([2, '']);
  expect(relay.err.text).toMatch(ONE_LINE);
});

// Root may write everywhere.
const testUnprivileged = process.getuid?.() === 0 ? test.skip : test;

testUnprivileged.each([
  ['written', 0o500],
  ['read', 0o000],
])('a directory for the history that cannot be %s is told in one line', async (_, mode) => {
  const dir = newDir();
  chmodSync(dir, mode);
  const { code, out, err } = await run(['serve', '--port', '0', '--data', dir]);
  expect([code, out]).toStrictEqual([2, '']);
  expect(err).toMatch(ONE_LINE);
  expect(err).toContain(dir);
});
