import { describe, expect, test } from '@jest/globals';
import { type Command, COMMANDS, flagsOf } from '../../src/cli/commandTable.js';
import { ENVIRONMENT } from '../../src/cli/environment.js';
import { EXIT_CODES } from '../../src/cli/exit.js';
import { flagLabel } from '../../src/cli/flags.js';
import { manual } from '../../src/cli/manual.js';

const DAY = new Date('2026-01-02T23:30:00Z');
const page = manual(COMMANDS, '1.2.3', DAY);

/** The lines of a section as they are read, without its escapes. */
const section = (heading: string): string[] =>
  (new RegExp(`^\\.S[hs] ${heading}\\n([^]*?)(?=^\\.S[hs] |$(?![^]))`, 'm').exec(page)?.[1] ?? '')
    .replaceAll('\\-', '-')
    .replaceAll('\\(ti', '~')
    .replaceAll('\\(aq', "'")
    .replaceAll('\\&', '')
    .replaceAll('\\e', '\\')
    .split('\n');

describe.each(COMMANDS.map((command) => [command.name, command] as const))('%s', (name, command) => {
  test('is in the synopsis, with what it takes', () => {
    const lines = section('SYNOPSIS');
    const at = lines.indexOf(`.Cm ${name}`);
    expect(at).toBeGreaterThan(-1);
    const input = command.input.replaceAll(/[[\]]/g, '');
    if (input !== '')
      expect(lines[at + 2]).toBe(command.input === input ? `.Ar ${input}` : `.Op Ar ${input}`);
  });

  test('has its examples, and each flag with what it is for', () => {
    const lines = section(name);
    for (const example of command.examples) expect(lines).toContain(example);
    for (const [key, flag] of Object.entries(flagsOf(command))) {
      const at = lines.findIndex((each) =>
        new RegExp(`^\\.It .*Fl ${flagLabel(key, flag).slice(1)}( Ar |$)`).test(each),
      );
      expect(lines[at + 1]).toBe(flag.help);
      if (flag.value !== undefined) expect(lines[at]).toMatch(new RegExp(` Ar ${flag.value}$`));
    }
  });
});

test('every exit code and every variable is in it', () => {
  for (const [code, meaning] of EXIT_CODES)
    expect(section('EXIT STATUS').join('\n')).toContain(`.It "${code}"\n${meaning}`);
  for (const [name, meaning] of ENVIRONMENT)
    expect(section('ENVIRONMENT').join('\n')).toContain(`.It Ev ${name}\n${meaning}`);
});

test('it says of which version and of which day it is', () => {
  expect(page).toMatch(/^\.Dd January 2, 2026\n\.Dt RXCHAT 1\n\.Os rxchat 1\.2\.3\n/);
});

test('text that looks like a request, or an escape, is text', () => {
  const command: Command = {
    ...COMMANDS[0]!,
    summary: 'it',
    examples: [".Sh 'a' \\n ~ -x", "'x"],
    flags: { x: { type: 'boolean', help: '.Xx' } },
  };
  const lines = manual([command], '1', DAY).split('\n');
  expect(lines).toContain('\\&.Sh \\(aqa\\(aq \\en \\(ti \\-x');
  expect(lines).toContain('\\(aqx');
  expect(lines).toContain('\\&.Xx');
});
