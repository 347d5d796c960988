import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { GIVEN_LIMIT, readGiven } from '../../../src/files/readGiven.js';
import { readRegularFile } from '../../../src/files/readRegularFile.js';
import { readInviteFile } from '../../../src/cli/inviteFile.js';
import { systemFault } from '../../../src/systemFault.js';
import { readCertificate } from '../../../src/tls/certificate.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-given-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const onUnix = process.platform === 'win32' ? test.skip : test;
const TOO_LARGE = 'it is too large to be what belongs here';

const faultOf = (act: () => unknown): string => {
  try {
    act();
    return 'none';
  } catch (error) {
    return systemFault(error);
  }
};

/** A file of a size, which takes no room on the disk. */
const fileOf = (bytes: number): string => {
  const path = join(dir, 'file');
  writeFileSync(path, '');
  truncateSync(path, bytes);
  return path;
};

describe('what a person has named', () => {
  test('is read whole up to the limit, and refused above it', () => {
    expect(readGiven(fileOf(GIVEN_LIMIT))).toHaveLength(GIVEN_LIMIT);
    expect(faultOf(() => readGiven(fileOf(GIVEN_LIMIT + 1)))).toBe(TOO_LARGE);
    expect(faultOf(() => readGiven(join(dir, 'none')))).toBe('no such file or directory');
    expect(faultOf(() => readGiven(dir))).toBe('it is a directory');
  });

  onUnix('may be a pipe', async () => {
    const path = join(dir, 'pipe');
    execFileSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', 'head -c 100000 /dev/zero > "$0"', path]);
    const ended = once(writer, 'close');
    expect(readGiven(path)).toHaveLength(100_000);
    await ended;
  });

  onUnix('has an end: a device that has none is refused', () => {
    expect(faultOf(() => readGiven('/dev/zero'))).toBe(TOO_LARGE);
    expect(() => readInviteFile('/dev/zero')).toThrow(TOO_LARGE);
    expect(() => readCertificate('/dev/zero', '/dev/zero')).toThrow(TOO_LARGE);
  });
});

test('a file of our own is not read if it is larger than any', () => {
  expect(readRegularFile(fileOf(1000))).toHaveLength(1000);
  expect(faultOf(() => readRegularFile(fileOf(3_000_000_000)))).toBe(TOO_LARGE);
});
