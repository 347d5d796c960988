import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { flagName } from '../../src/cli/args/flags.js';
import { serveFlags } from '../../src/cli/serveFlags.js';

const FILE = 'docs/cluster/rxchat@.service';

test('the unit of systemd has only flags that serve has', () => {
  const flags = readFileSync(FILE, 'utf8').match(/(?<= )--[a-z-]+/g) ?? [];
  expect(flags.length).toBeGreaterThan(5);
  const known = Object.keys(serveFlags).map(flagName);
  expect(flags.filter((flag) => !known.includes(flag) && flag !== '--now')).toStrictEqual([]);
});

const program = spawnSync('systemd-analyze', ['--version']);
if (program.error !== undefined)
  console.warn('NOT TESTED: systemd-analyze is not installed to check the unit');

(program.error === undefined ? test : test.skip)('systemd accepts the unit', () => {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', FILE], { encoding: 'utf8' });
  expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
});
