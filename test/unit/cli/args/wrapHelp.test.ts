import { describe, expect, test } from '@jest/globals';
import { COMMANDS } from '../../../../src/cli/registry.js';
import { commandHelp, programHelp } from '../../../../src/cli/args/help.js';
import { wrapHelp } from '../../../../src/cli/args/wrapHelp.js';

const HELPS = [
  ['rxchat', programHelp(COMMANDS)] as const,
  ...COMMANDS.map((command) => [command.name, commandHelp(command)] as const),
];
const words = (text: string) => text.split(/\s+/);

describe.each([40, 60, 80, 120])('wrapHelp to %d columns', (columns) => {
  test.each(HELPS)('fits the help of %s, and keeps every word, whole if possible', (_, help) => {
    const printed = wrapHelp(help, columns);
    for (const row of printed.split('\n')) expect(row.length).toBeLessThanOrEqual(columns);
    expect(words(printed).join('')).toBe(words(help).join(''));
    const whole = new Set(words(printed));
    for (const word of words(help)) if (word.length <= columns - 6) expect(whole).toContain(word);
  });
});

test('wrapHelp changes nothing when the text fits', () => {
  for (const [, help] of HELPS) expect(wrapHelp(help, 1000)).toBe(help);
});

const HELP = `Options
  --short TIME  between two words of which one is long
  -h, --help    this help

Exit codes
  0  ended normally`;

test('wrapHelp indents continuation lines of a description', () => {
  expect(wrapHelp(HELP, 34)).toBe(`Options
  --short TIME  between two words
                of which one is
                long
  -h, --help    this help

Exit codes
  0  ended normally`);
});

test('wrapHelp puts all descriptions of a section below the names when one name takes more than half', () => {
  expect(wrapHelp(HELP, 30)).toBe(`Options
  --short TIME
      between two words of
      which one is long
  -h, --help
      this help

Exit codes
  0  ended normally`);
});
