import { afterEach, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openKnownKeys } from '../../src/index.js';
import { tempDir, start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const LIBRARY = fileURLToPath(new URL('../../dist/src/index.js', import.meta.url));
const PROCESSES = 8;
const NICKS = 20;

/** Runs a library function in several processes, which all start it at the same time. */
const atOnce = async (body: string): Promise<readonly string[]> => {
  const program = `
    const rxchat = await import(${JSON.stringify(LIBRARY)});
    process.stdin.once('data', () => { ${body}; process.stdin.destroy(); });
    console.log('ready');`;
  const children = Array.from({ length: PROCESSES }, (_, n) =>
    start(process.execPath, ['--input-type=module', '-e', program], { env: { N: String(n) } }),
  );
  await Promise.all(children.map((each) => each.out.until(lineWith('ready'))));
  for (const each of children) each.writeInput('go\n');
  expect(await Promise.all(children.map((each) => each.exit))).toStrictEqual(children.map(() => 0));
  return children.map((each) => each.out.lines[1] ?? '');
};

test('concurrent processes that create an identity all get the same one', async () => {
  for (let round = 0; round < 3; round += 1) {
    const dir = tempDir();
    const keys = await atOnce(`console.log(rxchat.openIdentity(${JSON.stringify(dir)}).key)`);
    expect(keys[0]).toMatch(/^[\w-]{43}$/);
    expect(new Set(keys).size).toBe(1);
    expect(readdirSync(dir)).toStrictEqual(['identity.pem']);
  }
});

test('concurrent processes that record keys lose no key, and agree on each nick', async () => {
  const dir = tempDir();
  const agreed = await atOnce(`
    const keys = rxchat.openKnownKeys(${JSON.stringify(dir)});
    // Clients save only some nicks per key.
    const mine = (n) => Buffer.from((process.env.N + '-' + n).padEnd(32, '.')).toString('base64url');
    const shared = [];
    for (let n = 0; n < ${NICKS}; n += 1) {
      keys.remember('room', process.env.N + '-' + n, mine(n));
      shared.push(keys.remember('room', 'shared-' + n, mine(n)));
    }
    console.log(shared.join())`);
  expect(agreed[0]?.split(',')).toHaveLength(NICKS);
  expect(new Set(agreed).size).toBe(1);
  const keys = openKnownKeys(dir);
  expect(keys.damagedLines()).toStrictEqual([]);
  expect(keys.keysOf('room').size).toBe((PROCESSES + 1) * NICKS);
});
