import { afterEach, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { allFlags } from '../../src/cli/args/command.js';
import { COMMANDS } from '../../src/cli/registry.js';
import { flagLabel } from '../../src/cli/args/flags.js';
import { start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';

afterEach(cleanUp);

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = `${root}man/rxchat.1`;

/** Programs that show manuals, and the way each shows a page and reports its errors. */
const READERS: readonly (readonly [string, ...string[]])[] = [
  ['groff', '-ww', '-mdoc', '-Tascii', '-P-cbou', page],
  ['man', '--warnings', '--encoding=ascii', '-l', page],
  ['mandoc', '-Tascii', '-Wwarning', page],
];

const isInstalled = ([program]: readonly [string, ...string[]]): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`]);
    return true;
  } catch {
    console.warn(`NOT TESTED: there is no ${program} on this machine to read the manual`);
    return false;
  }
};

test.each(READERS)('%s finds no error in the manual, and shows every command and flag', async (...reader) => {
  if (!isInstalled(reader)) return;
  const [program, ...args] = reader;
  const { out, err, exit } = start(program, args, { env: { MANWIDTH: '100', MANPAGER: 'cat' }, input: '' });
  expect([await exit, err.text]).toStrictEqual([0, '']);
  // Bold and underlined, by overstriking.
  const screen = out.text.replaceAll(/.[\b]/g, '');
  for (const command of COMMANDS) {
    expect(screen).toContain(`rxchat ${command.name}`);
    for (const [key, flag] of Object.entries(allFlags(command)))
      expect(screen).toMatch(new RegExp(`^ .*${flagLabel(key, flag)}( |$)`, 'm'));
  }
  expect(screen).toMatch(/EXIT STATUS\n +0 +success, everything is stored$/m);
});

test('the package contains the manual, and names its path', () => {
  const { man, files } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as Record<string, unknown>;
  expect(man).toBe('./man/rxchat.1');
  expect(files).toContain('man');
});
