import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Flags } from '../../../../../src/cli/args/flags.js';
import { storeOptionsFromFlags } from '../../../../../src/cli/commands/serve/storeOptions.js';
import type { CliError } from '../../../../../src/cli/process/exit.js';

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

const fileWith = (text: string): string => {
  const dir = mkdtempSync(join(tmpdir(), 'rxchat-store-'));
  dirs.push(dir);
  const file = join(dir, 'file');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
};

const store = 'nats://127.0.0.1:4222';
const refused = (flags: Flags): string => {
  try {
    storeOptionsFromFlags(flags);
  } catch (error) {
    return (error as CliError).message;
  }
  throw new Error('was accepted');
};

describe('the flags of a shared store', () => {
  test('have defaults', () => {
    expect(storeOptionsFromFlags({})).toBeUndefined();
    expect(storeOptionsFromFlags({ store })).toStrictEqual({
      servers: ['127.0.0.1:4222'],
      tls: undefined,
      credentials: undefined,
      key: undefined,
      replicas: 1,
      shards: 8,
      maxAgeMs: 2_592_000_000,
      durability: 'os',
      timeoutMs: 30_000,
      cache: { dir: expect.stringMatching(/relay.store-cache$/), maxBytes: 268_435_456 },
    });
  });

  test('name servers by host and port', () => {
    const serversOf = (text: string) => storeOptionsFromFlags({ store: text })?.servers;
    expect(serversOf('tls://A,b:5222/')).toStrictEqual(['a:4222', 'b:5222']);
    expect(serversOf('NATS://[::1]:1')).toStrictEqual(['[::1]:1']);
  });

  test('set everything', () => {
    const key = Buffer.alloc(32, 7);
    expect(
      storeOptionsFromFlags({
        store: 'tls://a',
        storeReplicas: 3,
        storeStreams: 16,
        storeCreds: fileWith('relay:pass:word\n'),
        storeCa: fileWith('-----BEGIN CERTIFICATE-----\n'),
        storeKeyFile: fileWith(`${key.toString('base64url')}\n`),
        storeTimeout: '5s',
        durability: 'disk',
        keep: '7d',
        data: join('/data', 'chat'),
        storeCache: '1GiB',
      }),
    ).toStrictEqual({
      servers: ['a:4222'],
      tls: { ca: '-----BEGIN CERTIFICATE-----\n' },
      credentials: { user: 'relay', password: 'pass:word' },
      key: new Uint8Array(key),
      replicas: 3,
      shards: 16,
      maxAgeMs: 604_800_000,
      durability: 'disk',
      timeoutMs: 5000,
      cache: { dir: join('/data', 'chat', 'store-cache'), maxBytes: 1_073_741_824 },
    });
  });

  test('turn the cache off with 0', () => {
    expect(storeOptionsFromFlags({ store, storeCache: '0' })?.cache).toBeUndefined();
    expect(refused({ store, storeCache: 'much' })).toContain('--store-cache needs a size from 0');
    expect(refused({ storeCache: '0' })).toBe('--store-cache needs --store');
  });

  test('take a credentials file of NATS as it is', () => {
    const text = '-----BEGIN NATS USER JWT-----\n';
    expect(storeOptionsFromFlags({ store, storeCreds: fileWith(text) })?.credentials).toStrictEqual({
      file: Buffer.from(text),
    });
  });

  test.each(['keepEntries', 'keepBytes', 'keepTotal'])('reject %s, and say what limits the store', (flag) => {
    expect(() => storeOptionsFromFlags({ store, [flag]: '1' })).toThrow(
      expect.objectContaining({ hint: 'a shared store removes entries by age only: use --keep' }),
    );
  });

  test.each<[Flags, RegExp]>([
    [{ storeReplicas: 3 }, /^--store-replicas needs --store$/],
    [{ store, memory: true }, /^--memory has no effect with --store$/],
    [{ store, keepTotal: '1g' }, /^--keep-total has no effect with --store$/],
    [{ store, durability: 'memory' }, /^--durability memory has no effect with --store$/],
    [{ store: 'nats://relay:secret@a' }, /^--store must not contain a user or a password$/],
    [{ store, storeCa: '/ca' }, /^--store-ca has no effect without tls:/],
    [{ store: 'tls://a', storeCa: '/no/ca' }, /^cannot read --store-ca \/no\/ca: no such file/],
    [{ store, storeKeyFile: '/no/key' }, /^cannot read --store-key-file \/no\/key: no such file/],
    [{ store, storeReplicas: 0 }, /^--store-replicas needs a whole number from 1 to 5$/],
  ])('reject %j', (flags, message) => {
    expect(refused(flags)).toMatch(message);
  });

  test.each([
    '',
    'a:4222',
    'http://a',
    'nats://',
    'nats://a,,b',
    'nats://a:0',
    'nats://a:70000',
    'nats://a/path',
    'nats://a b',
  ])('reject the store %j', (text) => {
    expect(refused({ store: text })).toMatch(/^--store needs (a value|servers such as nats:\/\/127)/);
  });

  test('reject files with other contents, and repeat none of them', () => {
    expect(refused({ store, storeCreds: fileWith('secret') })).toMatch(
      /is neither a credentials file of NATS nor/,
    );
    expect(refused({ store, storeKeyFile: fileWith('secret') })).toMatch(
      /needs a key of 32 bytes in base64url$/,
    );
    expect(refused({ store: 'tls://a', storeCa: fileWith('secret') })).not.toMatch(/secret/);
  });
});
