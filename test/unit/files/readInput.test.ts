import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MAX_INPUT_BYTES, readInputFile, readRegularFile } from '../../../src/files/readFile.js';
import { loadInviteFile } from '../../../src/cli/shared/secretFiles.js';
import { describeSystemError } from '../../../src/util/errors.js';
import { loadCertificate } from '../../../src/net/tls/certificate.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-given-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const onUnix = process.platform === 'win32' ? test.skip : test;
const TOO_LARGE = 'it is too large';

const faultOf = (act: () => unknown): string => {
  try {
    act();
    return 'none';
  } catch (error) {
    return describeSystemError(error);
  }
};

/** Creates a sparse file of a size. */
const fileOf = (bytes: number): string => {
  const path = join(dir, 'file');
  writeFileSync(path, '');
  truncateSync(path, bytes);
  return path;
};

describe('a file named by the user', () => {
  test('is read completely up to the limit, and rejected above it', () => {
    expect(readInputFile(fileOf(MAX_INPUT_BYTES))).toHaveLength(MAX_INPUT_BYTES);
    expect(faultOf(() => readInputFile(fileOf(MAX_INPUT_BYTES + 1)))).toBe(TOO_LARGE);
    expect(faultOf(() => readInputFile(join(dir, 'none')))).toBe('no such file or directory');
    expect(faultOf(() => readInputFile(dir))).toBe('it is a directory');
  });

  onUnix('may be a pipe', async () => {
    const path = join(dir, 'pipe');
    execFileSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', 'head -c 100000 /dev/zero > "$0"', path]);
    const ended = once(writer, 'close');
    expect(readInputFile(path)).toHaveLength(100_000);
    await ended;
  });

  onUnix('has an end: a device that has none is refused', () => {
    expect(faultOf(() => readInputFile('/dev/zero'))).toBe(TOO_LARGE);
    expect(() => loadInviteFile('/dev/zero')).toThrow(TOO_LARGE);
    expect(() => loadCertificate('/dev/zero', '/dev/zero')).toThrow(TOO_LARGE);
  });
});

test('readRegularFile rejects a file above its own limit', () => {
  expect(readRegularFile(fileOf(1000))).toHaveLength(1000);
  expect(faultOf(() => readRegularFile(fileOf(3_000_000_000)))).toBe(TOO_LARGE);
});
