import { describe, expect, test } from '@jest/globals';
import { historyLine, logHistory } from '../../src/cli/historyLog.js';

describe('what the log of a relay says of its history', () => {
  test('is how much retention removed, and why', () => {
    const fields = { rooms: 2, entries: 30, bytes: 4000 };
    expect(historyLine({ type: 'removed', reason: 'age', ...fields })).toStrictEqual([
      'info',
      { reason: 'age', ...fields },
      'retention removed entries that are older than --keep',
    ]);
    expect(historyLine({ type: 'removed', reason: 'total', ...fields })).toStrictEqual([
      'warn',
      { reason: 'total', ...fields },
      'retention removed entries of the largest rooms, since --keep-total was reached',
    ]);
    expect(historyLine({ type: 'forgotten', rooms: 3 }).slice(0, 2)).toStrictEqual(['info', { rooms: 3 }]);
  });

  test('is that the clock is not believed, by how much, and what to do', () => {
    const [level, fields, text] = historyLine({ type: 'clock-ahead', aheadMs: 31 * 86_400_000 });
    expect([level, fields]).toStrictEqual(['warn', { aheadMs: 31 * 86_400_000 }]);
    expect(text).toMatch(/^the clock is 31 days ahead .* start once with --trust-clock$/);
    expect(historyLine({ type: 'clock-ahead', aheadMs: 5 * 3_600_000 })[2]).toContain('5 hours');
    expect(historyLine({ type: 'clock-ahead', aheadMs: 90_000 })[2]).toContain('2 min');
    expect(historyLine({ type: 'clock-believed' })[0]).toBe('info');
  });

  test('is nothing in a log that is silent', () => {
    expect(() => {
      logHistory(undefined)({ type: 'forgotten', rooms: 1 });
    }).not.toThrow();
  });
});
