import { describe, expect, test } from '@jest/globals';
import { catchError, of } from 'rxjs';
import { withTimeLimit } from '../../../../../src/cli/commands/group/memberCommand.js';
import { CliError } from '../../../../../src/cli/process/exit.js';
import { marbles } from '../../../../support/marbles.js';

const describeError = (error: unknown) =>
  of(error instanceof CliError ? `${error.exitCode}: ${error.message}` : error);

describe('withTimeLimit', () => {
  test.each([
    ['passes values and the end on', {}, '-a-b|', '-a-b|', ''],
    ['ends after 30 s', {}, '-a', '-a 29998ms (x|)', '3: not done after 30 s'],
    [
      'ends after 30 s and the time of --wait',
      { wait: '5s' },
      '-a',
      '-a 34998ms (x|)',
      '3: not done after 35 s',
    ],
  ] as const)('%s', (_name, flags, source, expected, x) => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold(source).pipe(withTimeLimit(flags), catchError(describeError))).toBe(expected, {
        a: 'a',
        b: 'b',
        x,
      });
    });
  });

  test('rejects a malformed --wait', () => {
    expect(() => withTimeLimit({ wait: 'soon' })).toThrow(CliError);
  });
});
