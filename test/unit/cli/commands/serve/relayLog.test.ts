import { describe, expect, test } from '@jest/globals';
import { historyLogEntry } from '../../../../../src/cli/commands/serve/logEntries.js';
import { formatPretty } from '../../../../../src/cli/commands/serve/relayLog.js';

describe('the history log of a relay', () => {
  test('reports how much retention removed, and why', () => {
    const fields = { rooms: 2, entries: 30, bytes: 4000 };
    expect(historyLogEntry({ type: 'removed', reason: 'age', ...fields })).toStrictEqual({
      level: 'info',
      fields: { reason: 'age', ...fields },
      message: 'retention removed entries older than --keep',
    });
    expect(historyLogEntry({ type: 'removed', reason: 'total', ...fields })).toStrictEqual({
      level: 'warn',
      fields: { reason: 'total', ...fields },
      message: 'retention removed entries of the largest rooms, because --keep-total was reached',
    });
    expect(historyLogEntry({ type: 'forgotten', rooms: 3 })).toMatchObject({
      level: 'info',
      fields: { rooms: 3 },
    });
  });

  test('reports that the clock is wrong, by how much, and what to do', () => {
    const { level, fields, message } = historyLogEntry({ type: 'clock-ahead', aheadMs: 31 * 86_400_000 });
    expect([level, fields]).toStrictEqual(['warn', { aheadMs: 31 * 86_400_000 }]);
    expect(message).toMatch(/^the clock is 31 days ahead .* start once with --trust-clock$/);
    expect(historyLogEntry({ type: 'clock-ahead', aheadMs: 5 * 3_600_000 }).message).toContain('5 hours');
    expect(historyLogEntry({ type: 'clock-ahead', aheadMs: 90_000 }).message).toContain('2 min');
    expect(historyLogEntry({ type: 'clock-believed' }).level).toBe('info');
  });
});

test('a pretty line has time, level, message and fields, with quotes where they are needed', () => {
  const fields = { nick: 'al ice', peer: '[::1]:1', count: 3, reason: 'a\nb' };
  const line = JSON.stringify({ level: 40, time: '2026-12-01T00:00:00.000Z', ...fields, msg: 'left' });
  expect(formatPretty(`${line}\n`)).toBe(
    '2026-12-01T00:00:00.000Z WARN  left nick="al ice" peer=[::1]:1 count=3 reason="a\\nb"',
  );
});
