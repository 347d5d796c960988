import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../../../../src/cli/process/exit.js';
import { generateKey, keyFromFlags } from '../../../../src/cli/classic/key.js';

const dirs: string[] = [];
const fileOf = (content: string): string => {
  const dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
  dirs.push(dir);
  const file = join(dir, 'key');
  writeFileSync(file, content);
  return file;
};
afterEach(() => {
  delete process.env['RXCHAT_KEY'];
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

const KEY = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const BYTES = Uint8Array.from({ length: 32 }, (_, n) => n);

const refusal = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(CliError);
    return `${(error as CliError).message}; ${(error as CliError).hint ?? ''}`;
  }
  throw new Error('was taken');
};

describe('the classic key', () => {
  test('keyFromFlags reads the first line of a file, or the environment', () => {
    expect(Buffer.from(keyFromFlags({ keyFile: fileOf(` ${KEY}\r\nmore\n`) }))).toStrictEqual(
      Buffer.from(BYTES),
    );
    process.env['RXCHAT_KEY'] = KEY;
    expect(Buffer.from(keyFromFlags({}))).toStrictEqual(Buffer.from(BYTES));
  });

  test('keyFromFlags accepts each generated key, and all differ', () => {
    const made = [generateKey(), generateKey()];
    expect(new Set(made).size).toBe(2);
    for (const each of made) {
      expect(each).toMatch(/^[\w-]{43}=$/);
      expect(keyFromFlags({ keyFile: fileOf(each) })).toHaveLength(32);
    }
  });

  test.each([
    ['43 characters, as the older program had built in', KEY.slice(0, 43)],
    ['another alphabet', '+/ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='],
    ['unused bits that are set', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9='],
    ['31 bytes', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=='],
    ['something else', 'hunter2'],
  ])('keyFromFlags rejects an invalid key without printing it: %s', (_, given) => {
    const file = fileOf(given);
    const why = refusal(() => keyFromFlags({ keyFile: file }));
    expect(why).toContain(`the key in ${file} is not valid: it has ${given.length} characters; a key has 44`);
    expect(why).not.toContain(given);
    process.env['RXCHAT_KEY'] = given;
    expect(refusal(() => keyFromFlags({}))).not.toContain(given);
  });

  test('keyFromFlags asks for a missing key', () => {
    expect(refusal(() => keyFromFlags({}))).toMatch(
      /^there is no key; give one with --key-file or in RXCHAT_KEY/,
    );
    expect(refusal(() => keyFromFlags({ keyFile: fileOf('\n') }))).toMatch(/^there is no key in /);
    expect(refusal(() => keyFromFlags({ keyFile: '/nowhere/key' }))).toMatch(
      /^cannot read --key-file \/nowhere\/key: no such file or directory/,
    );
  });
});
