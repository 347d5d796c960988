import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDirectory } from '../../../src/files/writeFile.js';
import { RXCHAT } from '../../e2e/support/child.js';

test('makeDirectory creates missing directories for their owner alone, and accepts existing ones', () => {
  const root = mkdtempSync(join(tmpdir(), 'rxchat-'));
  const dir = join(root, 'a', 'b', 'c');
  for (let n = 0; n < 2; n += 1) makeDirectory(dir);
  for (const each of [dir, join(root, 'a')]) expect(statSync(each).mode & 0o777).toBe(0o700);
  const file = join(root, 'file');
  writeFileSync(file, '');
  expect(() => makeDirectory(file)).toThrow('EEXIST');
  expect(() => makeDirectory(join(file, 'within'))).toThrow('ENOTDIR');
  rmSync(root, { recursive: true });
});

// In a process of its own, which the test can kill if it hangs.
(process.platform === 'linux' ? test : test.skip)('ends where nothing can be made', () => {
  const env = { PATH: process.env['PATH'], RXCHAT_HOME: '/proc/home/of/nobody' };
  const invite = `rxchat://127.0.0.1:1/#${'A'.repeat(43)}`;
  const args = [RXCHAT, 'send', invite, '-m', 'x'];
  const { status, stderr } = spawnSync(process.execPath, args, { env, timeout: 120_000 });
  expect([status, String(stderr)]).toStrictEqual([
    3,
    expect.stringMatching(/^rxchat: cannot write \/proc\/.*\n/),
  ]);
});
