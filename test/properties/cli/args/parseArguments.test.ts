import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseArguments } from '../../../../src/cli/args/parseArguments.js';
import { allFlags } from '../../../../src/cli/args/command.js';
import { COMMANDS } from '../../../../src/cli/registry.js';
import { CliError, Exit } from '../../../../src/cli/process/exit.js';
import { flagName } from '../../../../src/cli/args/flags.js';
import { codePoint } from '../../../support/codePoint.js';

const command = fc.constantFrom(...COMMANDS);

/** Words that look like flags, and any others. */
const word = fc.oneof(
  fc.string(),
  fc.string({ unit: codePoint }),
  fc.constantFrom(...COMMANDS.flatMap((each) => Object.keys(allFlags(each)).map(flagName))),
  fc
    .tuple(fc.constantFrom('-', '--', '--no-', '-m=', '--port=', '"', "'"), fc.string())
    .map((each) => each.join('')),
);

describe('parseArguments', () => {
  test('turns any words into arguments, help or a usage error', () => {
    fc.assert(
      fc.property(command, fc.array(word, { maxLength: 8 }), (each, argv) => {
        try {
          const parsed = parseArguments(each, argv);
          if (parsed !== 'help') expect(parsed.input.length).toBeLessThanOrEqual(each.maxInputs);
        } catch (error) {
          expect(error).toBeInstanceOf(CliError);
          expect((error as CliError).exitCode).toBe(Exit.usage);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('gives a flag that takes a text its word and no other', () => {
    const withText = COMMANDS.flatMap((each) =>
      Object.entries(allFlags(each)).flatMap(([key, flag]) =>
        flag.type === 'string' ? [{ each, key, flag }] : [],
      ),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...withText),
        word,
        fc.boolean(),
        fc.boolean(),
        ({ each, key, flag }, text, short, joined) => {
          const name = short && flag.short !== undefined ? `-${flag.short}` : flagName(key);
          const words = ['--no-color', ...(joined ? [`${name}=${text}`] : [name, text]), '--no-input'];
          if (text === '') {
            expect(() => parseArguments(each, words)).toThrow(`${name} needs a value`);
            return;
          }
          const parsed = parseArguments(each, words);
          if (parsed === 'help') throw new Error('help was not asked for');
          expect(parsed.flags).toMatchObject({ color: false, input: false });
          expect(parsed.flags[key]).toStrictEqual(flag.multiple === true ? [text] : text);
          expect(parsed.input).toStrictEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });
});
