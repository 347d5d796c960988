import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { inspectDirectory } from '../../../../src/history/layout/directory.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-odd-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const onUnix = process.platform === 'win32' ? describe.skip : describe;
const REFUSAL = 'it is not a file, but a pipe or a device';

onUnix('in the place of a file of the history', () => {
  const makings: readonly [string, (path: string) => void][] = [
    ['a pipe', (path) => execFileSync('mkfifo', [path])],
    [
      'a device',
      (path) => {
        symlinkSync('/dev/zero', path);
      },
    ],
  ];
  test.each(makings)('%s is rejected, without waiting for it or reading it', (_what, make) => {
    make(join(dir, 'VERSION'));
    expect(() => inspectDirectory(dir)).toThrow(REFUSAL);
    rmSync(join(dir, 'VERSION'));
    writeFileSync(join(dir, 'VERSION'), 'rxchat history 1\n');
    make(join(dir, 'rooms.mdb'));
    expect(() => inspectDirectory(dir)).toThrow(REFUSAL);
  });
});
