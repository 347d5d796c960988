import { describe, expect, test } from '@jest/globals';
import { CliError, Exit } from '../../../../../src/cli/process/exit.js';
import { type Outcome, outcomeText, withOutcome } from '../../../../../src/cli/commands/send/report.js';

const none: Outcome = { stored: 0, unconfirmed: 0, dropped: 0, isInputComplete: true, hasJoined: true };

describe('the outcome of send', () => {
  test.each([
    [{ stored: 93, unconfirmed: 7 }, 'sent 93 of 100, 7 not confirmed'],
    [{ stored: 93, dropped: 7 }, 'sent 93 of 100, 7 dropped'],
    [{ stored: 90, dropped: 3, unconfirmed: 7 }, 'sent 90 of 100, 3 dropped, 7 not confirmed'],
    [
      { stored: 93, unconfirmed: 7, isInputComplete: false },
      'sent 93 of at least 100, at least 7 not confirmed',
    ],
    [{ stored: 2, isInputComplete: false }, 'sent 2 of at least 2'],
    [{ unconfirmed: 1 }, 'sent 0 of 1, 1 not confirmed'],
    [{ unconfirmed: 1, hasJoined: false }, 'nothing was sent (0 of 1)'],
    [
      { unconfirmed: 1, dropped: 2, hasJoined: false, isInputComplete: false },
      'nothing was sent (0 of at least 3), 2 dropped',
    ],
  ])('for %j is %j', (some, text) => {
    expect(outcomeText({ ...none, ...some })).toBe(text);
  });

  const network = new CliError(Exit.network, 'no receipt', 'a hint');

  test('is 7 when the relay was reached and any line has no receipt', () => {
    for (const some of [{ stored: 3, unconfirmed: 2 }, { unconfirmed: 5 }, { stored: 4, dropped: 1 }])
      expect(withOutcome(network, { ...none, ...some })).toMatchObject({ exitCode: 7, hint: 'a hint' });
    expect(withOutcome(network, { ...none, unconfirmed: 5 }).message).toBe(
      'no receipt; sent 0 of 5, 5 not confirmed',
    );
  });

  test('is 3 with the count when the relay was never reached', () => {
    const failure = withOutcome(network, { ...none, unconfirmed: 5, hasJoined: false });
    expect([failure.exitCode, failure.message]).toStrictEqual([3, 'no receipt; nothing was sent (0 of 5)']);
  });

  test.each([[Exit.refused], [Exit.untrustedKey], [Exit.limit], [130]])(
    'keeps the code %i, with the count',
    (code) => {
      const failure = withOutcome(new CliError(code, 'ended'), { ...none, stored: 1, unconfirmed: 2 });
      expect([failure.exitCode, failure.message]).toStrictEqual([
        code,
        'ended; sent 1 of 3, 2 not confirmed',
      ]);
    },
  );

  test('has no count when there was no input, or after a line that is too long', () => {
    expect(withOutcome(network, { ...none, isInputComplete: false, hasJoined: false }).message).toBe(
      'no receipt',
    );
    const limit = new CliError(Exit.limit, 'too long');
    expect(withOutcome(limit, { ...none, stored: 93, isInputComplete: false }).message).toBe(
      'too long; sent 93',
    );
  });
});
