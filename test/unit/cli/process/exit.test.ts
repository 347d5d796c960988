import { expect, test } from '@jest/globals';
import { Exit, toCliError } from '../../../../src/cli/process/exit.js';
import { GroupFullError, RemovedError, WithdrawnError } from '../../../../streams/client/group/errors.js';

test.each([
  [new GroupFullError('the group is full'), 6, undefined],
  [new RemovedError('a member removed you'), 11, 'a member can invite you again'],
  [new WithdrawnError('the invite is not valid'), 12, 'ask a member for the present invite'],
])('%s ends the command with its message and exit code %d', (error, exitCode, hint) => {
  expect(toCliError(error)).toMatchObject({ name: 'CliError', message: error.message, exitCode, hint });
});

test('an unknown error ends the command as a bug', () => {
  expect(toCliError(new Error('oops'))).toMatchObject({
    exitCode: Exit.unexpected,
    message: 'unexpected: Error: oops',
  });
});
