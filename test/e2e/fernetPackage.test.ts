import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';

afterEach(cleanUp);

const library = new URL('../../dist/src/index.js', import.meta.url).href;
const here = fileURLToPath(new URL('.', import.meta.url));

const PRELUDE = `
import { createRequire } from 'node:module';
const require = createRequire(${JSON.stringify(here)});
const names = () => Object.getOwnPropertyNames(String.prototype).filter((name) => name === 'lpad');
const use = (fernet) => {
  const secret = new fernet.Secret('cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=');
  return new fernet.Token({ secret, message: 'x', time: '2026-01-01T00:00:00Z' }).encode().slice(0, 5);
};
const ours = async () => {
  const { npmCipher } = await import(${JSON.stringify(library)});
  const cipher = await npmCipher();
  const key = new Uint8Array(32);
  return Buffer.from(cipher.open(key, cipher.seal(key, Buffer.from('x'), 60), { now: 60, ttl: 60 })).toString();
};
`;

const send = async (program: string): Promise<unknown> => {
  const child = start(process.execPath, ['--input-type=module', '-e', `${PRELUDE}${program}`]);
  expect([await child.exit, child.err.text]).toStrictEqual([0, '']);
  return JSON.parse(child.out.text);
};

describe('the fernet package in a program that uses the library', () => {
  test('is not loaded before its first use, and never patches anything', async () => {
    const program = `
      await import(${JSON.stringify(library)});
      const loaded = () => Object.keys(require.cache).some((path) => path.includes('/fernet/'));
      const before = [loaded(), names()];
      console.log(JSON.stringify([before, await ours(), [loaded(), names()]]));`;
    expect(await send(program)).toStrictEqual([[false, []], 'x', [false, []]]);
  });

  test('works for that program itself in any loading order', async () => {
    const first = `const fernet = require('fernet'); console.log(JSON.stringify([use(fernet), await ours(), use(fernet), require('fernet') === fernet, names()]));`;
    expect(await send(first)).toStrictEqual(['gAAAA', 'x', 'gAAAA', true, ['lpad']]);
    const last = `const said = await ours(); console.log(JSON.stringify([said, use(require('fernet')), await ours(), names()]));`;
    expect(await send(last)).toStrictEqual(['x', 'gAAAA', 'x', ['lpad']]);
  });
});
