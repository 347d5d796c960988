import { describe, expect, test } from '@jest/globals';
import { COMMANDS } from '../../src/cli/commandTable.js';
import { commandHelp, programHelp } from '../../src/cli/help.js';
import { wrapHelp } from '../../src/cli/wrapHelp.js';

const HELPS = [
  ['rxchat', programHelp()] as const,
  ...COMMANDS.map((command) => [command.name, commandHelp(command)] as const),
];
const words = (text: string) => text.split(/\s+/);

describe.each([40, 60, 80, 120])('in %d columns', (columns) => {
  test.each(HELPS)('the help of %s fits, and has every word, whole where it can be', (_, help) => {
    const shown = wrapHelp(help, columns);
    for (const row of shown.split('\n')) expect(row.length).toBeLessThanOrEqual(columns);
    expect(words(shown).join('')).toBe(words(help).join(''));
    const whole = new Set(words(shown));
    for (const word of words(help)) if (word.length <= columns - 6) expect(whole).toContain(word);
  });
});

test('where it fits nothing is changed', () => {
  for (const [, help] of HELPS) expect(wrapHelp(help, 1000)).toBe(help);
});

const HELP = `Options
  --short TIME  between two words of which one is long
  -h, --help    this help

Exit codes
  0  ended normally`;

test('what something is for is wrapped under itself', () => {
  expect(wrapHelp(HELP, 34)).toBe(`Options
  --short TIME  between two words
                of which one is
                long
  -h, --help    this help

Exit codes
  0  ended normally`);
});

test('and stands below it, in the whole section, where that takes more than half', () => {
  expect(wrapHelp(HELP, 30)).toBe(`Options
  --short TIME
      between two words of
      which one is long
  -h, --help
      this help

Exit codes
  0  ended normally`);
});
