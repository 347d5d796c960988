import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../../../src/cli/exit.js';
import { makeKey, readKey } from '../../../src/classic/fernetKey.js';

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

describe('the key', () => {
  test('comes from a file, its first line, or from the environment', () => {
    expect(Buffer.from(readKey({ keyFile: fileOf(` ${KEY}\r\nmore\n`) }))).toStrictEqual(Buffer.from(BYTES));
    process.env['RXCHAT_KEY'] = KEY;
    expect(Buffer.from(readKey({}))).toStrictEqual(Buffer.from(BYTES));
  });

  test('that is made is read, and is another each time', () => {
    const made = [makeKey(), makeKey()];
    expect(new Set(made).size).toBe(2);
    for (const each of made) {
      expect(each).toMatch(/^[\w-]{43}=$/);
      expect(readKey({ keyFile: fileOf(each) })).toHaveLength(32);
    }
  });

  test.each([
    ['43 characters, as the older program had built in', KEY.slice(0, 43)],
    ['another alphabet', '+/ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='],
    ['unused bits that are set', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9='],
    ['31 bytes', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=='],
    ['something else', 'hunter2'],
  ])('is refused without being repeated: %s', (_, given) => {
    const file = fileOf(given);
    const why = refusal(() => readKey({ keyFile: file }));
    expect(why).toContain(`the key in ${file} is not one: it has ${given.length} characters; a key has 44`);
    expect(why).not.toContain(given);
    process.env['RXCHAT_KEY'] = given;
    expect(refusal(() => readKey({}))).not.toContain(given);
  });

  test('that is nowhere is asked for', () => {
    expect(refusal(() => readKey({}))).toMatch(/^there is no key; give one with --key-file or in RXCHAT_KEY/);
    expect(refusal(() => readKey({ keyFile: fileOf('\n') }))).toMatch(/^there is no key in /);
    expect(refusal(() => readKey({ keyFile: '/nowhere/key' }))).toMatch(
      /^cannot read --key-file \/nowhere\/key: no such file or directory/,
    );
  });
});
