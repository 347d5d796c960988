import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { flagName } from '../../src/cli/args/flags.js';
import { serveFlags } from '../../src/cli/serveFlags.js';
import { withProgram } from '../support/withProgram.js';

const FILE = 'docs/cluster/rxchat@.service';

test('the unit of systemd has only flags that serve has', () => {
  const flags = readFileSync(FILE, 'utf8').match(/(?<= )--[a-z-]+/g) ?? [];
  expect(flags.length).toBeGreaterThan(5);
  const known = Object.keys(serveFlags).map(flagName);
  expect(flags.filter((flag) => !known.includes(flag) && flag !== '--now')).toStrictEqual([]);
});

withProgram(
  'RXCHAT_NEED_SYSTEMD',
  'systemd-analyze',
  '--version',
)('systemd accepts the unit', () => {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', FILE], { encoding: 'utf8' });
  expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
});
