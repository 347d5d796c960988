import { describe, expect, test } from '@jest/globals';
import { historyLogEntry, historyLogger } from '../../../../../src/cli/commands/serve/relayLog.js';

describe('the history log of a relay', () => {
  test('reports how much retention removed, and why', () => {
    const fields = { rooms: 2, entries: 30, bytes: 4000 };
    expect(historyLogEntry({ type: 'removed', reason: 'age', ...fields })).toStrictEqual([
      'info',
      { reason: 'age', ...fields },
      'retention removed entries older than --keep',
    ]);
    expect(historyLogEntry({ type: 'removed', reason: 'total', ...fields })).toStrictEqual([
      'warn',
      { reason: 'total', ...fields },
      'retention removed entries of the largest rooms, because --keep-total was reached',
    ]);
    expect(historyLogEntry({ type: 'forgotten', rooms: 3 }).slice(0, 2)).toStrictEqual([
      'info',
      { rooms: 3 },
    ]);
  });

  test('reports that the clock is wrong, by how much, and what to do', () => {
    const [level, fields, text] = historyLogEntry({ type: 'clock-ahead', aheadMs: 31 * 86_400_000 });
    expect([level, fields]).toStrictEqual(['warn', { aheadMs: 31 * 86_400_000 }]);
    expect(text).toMatch(/^the clock is 31 days ahead .* start once with --trust-clock$/);
    expect(historyLogEntry({ type: 'clock-ahead', aheadMs: 5 * 3_600_000 })[2]).toContain('5 hours');
    expect(historyLogEntry({ type: 'clock-ahead', aheadMs: 90_000 })[2]).toContain('2 min');
    expect(historyLogEntry({ type: 'clock-believed' })[0]).toBe('info');
  });

  test('is empty when logging is off', () => {
    expect(() => {
      historyLogger(undefined)({ type: 'forgotten', rooms: 1 });
    }).not.toThrow();
  });
});
