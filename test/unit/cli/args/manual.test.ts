import { describe, expect, test } from '@jest/globals';
import { allFlags, type CliCommand } from '../../../../src/cli/args/command.js';
import { COMMANDS } from '../../../../src/cli/registry.js';
import { ENVIRONMENT } from '../../../../src/cli/process/environment.js';
import { EXIT_CODES } from '../../../../src/cli/process/exit.js';
import { flagLabel } from '../../../../src/cli/args/flags.js';
import { manual } from '../../../../src/cli/args/manual.js';

const DAY = new Date('2026-01-02T23:30:00Z');
const page = manual(COMMANDS, '1.2.3', DAY);

/** Returns the lines of a section without their escapes. */
const section = (heading: string): string[] =>
  (new RegExp(`^\\.S[hs] ${heading}\\n([^]*?)(?=^\\.S[hs] |$(?![^]))`, 'm').exec(page)?.[1] ?? '')
    .replaceAll('\\-', '-')
    .replaceAll('\\(ti', '~')
    .replaceAll('\\(aq', "'")
    .replaceAll('\\&', '')
    .replaceAll('\\e', '\\')
    .split('\n');

describe.each(COMMANDS.map((command) => [command.name, command] as const))('%s', (name, command) => {
  test('is in the synopsis of the manual, with its arguments', () => {
    const lines = section('SYNOPSIS');
    const at = lines.indexOf(`.Cm ${name}`);
    expect(at).toBeGreaterThan(-1);
    const inputs = command.input === '' ? [] : command.input.split(' ');
    expect(lines.slice(at + 2, at + 2 + inputs.length)).toStrictEqual(
      inputs.map((input) => (input.startsWith('[') ? `.Op Ar ${input.slice(1, -1)}` : `.Ar ${input}`)),
    );
  });

  test('has its examples in the manual, and each flag with its description', () => {
    const lines = section(name);
    for (const example of command.examples) expect(lines).toContain(example);
    for (const [key, flag] of Object.entries(allFlags(command))) {
      const at = lines.findIndex((each) =>
        new RegExp(`^\\.It .*Fl ${flagLabel(key, flag).slice(1)}( Ar |$)`).test(each),
      );
      expect(lines[at + 1]).toBe(flag.help);
      if (flag.placeholder !== undefined) expect(lines[at]).toMatch(new RegExp(` Ar ${flag.placeholder}$`));
    }
  });
});

test('the manual lists every exit code and every variable', () => {
  for (const [code, meaning] of EXIT_CODES)
    expect(section('EXIT STATUS').join('\n')).toContain(`.It "${code}"\n${meaning}`);
  for (const [name, meaning] of ENVIRONMENT)
    expect(section('ENVIRONMENT').join('\n')).toContain(`.It Ev ${name}\n${meaning}`);
});

test('the manual states its version and date', () => {
  expect(page).toMatch(/^\.Dd January 2, 2026\n\.Dt RXCHAT 1\n\.Os rxchat 1\.2\.3\n/);
});

test('the manual escapes text that looks like a request or an escape', () => {
  const command: CliCommand = {
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
