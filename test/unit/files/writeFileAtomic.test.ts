import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { fileVersion, writeFileAtomic } from '../../../src/files/writeFile.js';
import { readRegularFile } from '../../../src/files/readFile.js';
import { describeSystemError } from '../../../src/util/errors.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-whole-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const faultOf = (act: () => unknown): string => {
  try {
    act();
    return 'none';
  } catch (error) {
    return describeSystemError(error);
  }
};
const modeOf = (path: string) => statSync(path).mode & 0o777;
const onUnix = process.platform === 'win32' ? test.skip : test;
const asRoot = process.getuid?.() === 0 ? test : test.skip;

describe('writeFileAtomic', () => {
  test('creates a file for its owner alone, and leaves no other file', () => {
    writeFileAtomic(join(dir, 'a'), 'one');
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('one');
    expect(modeOf(join(dir, 'a'))).toBe(0o600);
    expect(readdirSync(dir)).toStrictEqual(['a']);
  });

  onUnix('keeps the mode of a file that exists', () => {
    writeFileSync(join(dir, 'a'), 'before');
    chmodSync(join(dir, 'a'), 0o644);
    writeFileAtomic(join(dir, 'a'), 'after');
    expect(modeOf(join(dir, 'a'))).toBe(0o644);
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('after');
  });

  onUnix.each(['there', 'not there yet'])('writes through links to a file that is %s', (state) => {
    mkdirSync(join(dir, 'real'));
    if (state === 'there') writeFileSync(join(dir, 'real', 'file'), 'before');
    symlinkSync(join('real', 'file'), join(dir, 'link'));
    symlinkSync('link', join(dir, 'second'));
    writeFileAtomic(join(dir, 'second'), 'after');
    expect(readFileSync(join(dir, 'real', 'file'), 'utf8')).toBe('after');
    expect(readlinkSync(join(dir, 'link'))).toBe(join('real', 'file'));
    expect(readlinkSync(join(dir, 'second'))).toBe('link');
    expect(readdirSync(join(dir, 'real'))).toStrictEqual(['file']);
  });

  onUnix('writes over nothing that somebody planted under a name that it might use', () => {
    writeFileSync(join(dir, 'victim'), 'precious');
    symlinkSync('victim', join(dir, 'a.part'));
    writeFileAtomic(join(dir, 'a'), 'text');
    expect(readFileSync(join(dir, 'victim'), 'utf8')).toBe('precious');
  });

  asRoot('does not follow the link of another user', () => {
    writeFileSync(join(dir, 'victim'), 'precious');
    symlinkSync('victim', join(dir, 'a'));
    lchownSync(join(dir, 'a'), 12_345, 12_345);
    // The system lets everyone follow links of root, so another user has to test this.
    const asUser = () => {
      process.seteuid?.(23_456);
      try {
        writeFileAtomic(join(dir, 'a'), 'text');
      } finally {
        process.seteuid?.(0);
      }
    };
    chmodSync(dir, 0o777);
    expect(faultOf(asUser)).toBe('it is a link that another user made');
    expect(readFileSync(join(dir, 'victim'), 'utf8')).toBe('precious');
  });

  onUnix('replaces files alone: a pipe, a device and a directory are refused, and stay', () => {
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    mkdirSync(join(dir, 'directory'));
    expect(faultOf(() => writeFileAtomic(join(dir, 'pipe'), 'text'))).toBe(
      'it is not a file, but a pipe or a device',
    );
    expect(faultOf(() => writeFileAtomic('/dev/null', 'text'))).toBe(
      'it is not a file, but a pipe or a device',
    );
    expect(faultOf(() => writeFileAtomic(join(dir, 'directory'), 'text'))).toBe('it is a directory');
    expect(statSync(join(dir, 'pipe')).isFIFO()).toBe(true);
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
    expect(readdirSync(dir).sort()).toStrictEqual(['directory', 'pipe']);
  });

  test('returns the version of the file, which another write changes', () => {
    const mine = writeFileAtomic(join(dir, 'a'), 'mine');
    expect(fileVersion(join(dir, 'a'))).toBe(mine);
    writeFileAtomic(join(dir, 'a'), 'theirs');
    expect(fileVersion(join(dir, 'a'))).not.toBe(mine);
    expect(fileVersion(join(dir, 'b'))).toBeUndefined();
  });
});

describe('readRegularFile', () => {
  onUnix('reads a file, and does not wait for a writer of a pipe', () => {
    writeFileSync(join(dir, 'a'), 'text');
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    expect(readRegularFile(join(dir, 'a'))).toBe('text');
    expect(faultOf(() => readRegularFile(join(dir, 'pipe')))).toBe(
      'it is not a file, but a pipe or a device',
    );
    expect(faultOf(() => readRegularFile(dir))).toBe('it is a directory');
    expect(faultOf(() => readRegularFile(join(dir, 'none')))).toBe('no such file or directory');
  });
});
