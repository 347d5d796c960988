import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagName } from '../../src/cli/args/flags.js';
import { serveFlags } from '../../src/cli/serveFlags.js';
import { withProgram } from '../support/withProgram.js';

const unitsIn = (folder: string, kind: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(kind))
    .map((file) => join(folder, file));
const FOLDERS = ['docs/operations', 'docs/cluster'];
const SERVICES = FOLDERS.flatMap((folder) => unitsIn(folder, '.service'));
const UNITS = [...SERVICES, ...FOLDERS.flatMap((folder) => unitsIn(folder, '.socket'))];

/** The documents that give the exposure of a service. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  'docs/operations/rxchat.service': 'docs/operations.md',
  'docs/cluster/rxchat@.service': 'docs/cluster.md',
};

test('the units of systemd are these', () => {
  expect(UNITS).toStrictEqual([...Object.keys(DOCUMENTS), 'docs/operations/rxchat.socket']);
});

test.each(SERVICES)('%s has only flags that serve has', (file) => {
  const command = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  const flags = command.match(/(?<= )--[a-z-]+/g) ?? [];
  expect(flags.length).toBeGreaterThan(2);
  const known = Object.keys(serveFlags).map(flagName);
  expect(flags.filter((flag) => !known.includes(flag))).toStrictEqual([]);
});

const testWithSystemd = withProgram('RXCHAT_NEED_SYSTEMD', 'systemd-analyze', '--version');

testWithSystemd.each(UNITS)('systemd accepts %s', (file) => {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
});

testWithSystemd.each(SERVICES)('%s has the exposure that its document gives', (file) => {
  const args = ['security', '--offline=true', '--no-pager', file];
  const { stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? [];
  const documented = readFileSync(DOCUMENTS[file] ?? '', 'utf8').replaceAll(/\s+/g, ' ');
  expect(documented).toContain(`an exposure level of ${exposure} out of 10`);
});
