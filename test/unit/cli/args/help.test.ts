import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allFlags } from '../../../../src/cli/args/command.js';
import { COMMANDS } from '../../../../src/cli/registry.js';
import { ENVIRONMENT } from '../../../../src/cli/process/environment.js';
import { Exit, EXIT_CODES } from '../../../../src/cli/process/exit.js';
import { flagLabel } from '../../../../src/cli/args/flags.js';
import { commandHelp, programHelp } from '../../../../src/cli/args/help.js';

const sections = (help: string): string[] =>
  Array.from(help.matchAll(/^[A-Z][a-z ]+$/gm), ([heading]) => heading);

describe.each(COMMANDS.map((command) => [command.name, command] as const))(
  'the help of %s',
  (name, command) => {
    const help = commandHelp(command);

    test('begins with examples and ends with the exit codes', () => {
      expect(sections(help)).toStrictEqual(['Examples', 'Usage', 'Options', 'Exit codes']);
    });

    test('has an example, and each uses only this command and its flags', () => {
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) {
        const [, words = ''] = new RegExp(`rxchat ${name}\\b([^|>)]*)`).exec(example) ?? [];
        expect(example).toContain(`rxchat ${name}`);
        const known = Object.entries(allFlags(command)).map(([key, flag]) => flagLabel(key, flag));
        for (const [flag] of words.matchAll(/--[a-z-]+/g)) expect(known).toContain(flag);
      }
    });

    test('has a line with a description for every flag', () => {
      const lines = help.slice(help.indexOf('\nOptions\n')).split('\n');
      for (const [key, flag] of Object.entries(allFlags(command))) {
        const line = lines.find((each) => each.split(/[ ,]+/).includes(flagLabel(key, flag)));
        expect(line).toContain(flag.help);
      }
    });
  },
);

test('the help of the program names every command, and begins with examples', () => {
  expect(sections(programHelp(COMMANDS))).toStrictEqual([
    'Examples',
    'Usage',
    'Options',
    'Environment',
    'Exit codes',
  ]);
  for (const { name, summary } of COMMANDS)
    expect(programHelp(COMMANDS)).toMatch(new RegExp(`^ {2}rxchat ${name}\\b.*  ${summary}$`, 'm'));
});

test('the help of the program and of each command lists every exit code', () => {
  const codes = [...Object.values(Exit), 129, 130, 143].map(String);
  expect(EXIT_CODES.flatMap(([code]) => code.split(', '))).toStrictEqual(codes);
  for (const help of [programHelp(COMMANDS), ...COMMANDS.map(commandHelp)])
    for (const [code, meaning] of EXIT_CODES)
      expect(help).toMatch(new RegExp(`^ {2}${code} +${meaning}$`, 'm'));
});

/** Returns all matches of a pattern in the source of the command line. */
const found = (pattern: RegExp): string[] => {
  const root = fileURLToPath(new URL('../../../../src', import.meta.url));
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      Array.from(readFileSync(join(root, name), 'utf8').matchAll(pattern), ([, each]) => each!),
    );
};
const flags = COMMANDS.flatMap((command) => Object.entries(command.flags));

test('the help lists every environment variable that is read, each for a flag or a place', () => {
  const names = ENVIRONMENT.map(([name]) => name);
  expect(new Set(names)).toStrictEqual(new Set(found(/env\['(RXCHAT_\w+)'\]/g)));
  for (const name of names) expect(programHelp(COMMANDS)).toContain(name);
  expect(new Set([...flags.flatMap(([, { env }]) => env ?? []), 'RXCHAT_HOME'])).toStrictEqual(
    new Set(names),
  );
});

test('the command table lists the words of every flag that accepts fixed words, for the completions', () => {
  const read = found(/\bchoiceFlag\((?:args\.)?flags, '(\w+)'/g);
  expect(read.length).toBeGreaterThan(0);
  for (const key of read) {
    const same = flags.filter(([each]) => each === key);
    expect(same.length).toBeGreaterThan(0);
    for (const [, { choices }] of same) expect(choices?.length).toBeGreaterThan(1);
  }
});

test('each exit code has one meaning', () => {
  const codes = Object.values(Exit);
  expect(codes).toStrictEqual([...new Set(codes)]);
});

test('the files that the commands of README.md create do not exist before, and git ignores them', () => {
  const root = fileURLToPath(new URL('../../../..', import.meta.url));
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const made = [...readme.matchAll(/--(?:out|key-file|cursor-file) ([\w.]+)/g)].map(([, name = '']) => name);
  expect(made).toContain('room.txt');
  const ignored = readFileSync(join(root, '.gitignore'), 'utf8').split('\n');
  for (const name of made) expect(ignored).toContain(`/${name}`);
});
