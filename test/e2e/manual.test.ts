import { afterEach, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMMANDS, flagsOf } from '../../src/cli/commandTable.js';
import { flagLabel } from '../../src/cli/flags.js';
import { start } from './support/child.js';
import { endAll } from './support/endings.js';

afterEach(endAll);

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = `${root}man/rxchat.1`;

/** Readers of manuals, and how each shows a page and complains of what is wrong with it. */
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

test.each(READERS)('%s finds no fault in the manual, and shows every command and flag', async (...reader) => {
  if (!isInstalled(reader)) return;
  const [program, ...args] = reader;
  const { out, err, exit } = start(program, args, { env: { MANWIDTH: '100', MANPAGER: 'cat' }, input: '' });
  expect([await exit, err.text]).toStrictEqual([0, '']);
  // Bold and underlined, by overstriking.
  const shown = out.text.replaceAll(/.[\b]/g, '');
  for (const command of COMMANDS) {
    expect(shown).toContain(`rxchat ${command.name}`);
    for (const [key, flag] of Object.entries(flagsOf(command)))
      expect(shown).toMatch(new RegExp(`^ .*${flagLabel(key, flag)}( |$)`, 'm'));
  }
  expect(shown).toMatch(/EXIT STATUS\n +0 +ended normally/);
});

test('the package holds it, and says where', () => {
  const { man, files } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as Record<string, unknown>;
  expect(man).toBe('./man/rxchat.1');
  expect(files).toContain('man');
});
