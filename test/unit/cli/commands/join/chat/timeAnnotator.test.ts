import { describe, expect, test } from '@jest/globals';
import {
  timeAnnotator,
  type TimeAnnotation,
} from '../../../../../../src/cli/commands/join/chat/timeAnnotator.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
const at = (day: number, minutes = 0) => day * DAY + 600 * MINUTE + minutes * MINUTE;

/** `[2]` is a rule of the second day. `10:00`, `10:00?` and `2 Jan 10:00` are messages below it. */
const shape = ({ separator, doubt }: TimeAnnotation): string =>
  `${separator.map(({ rows }) => `[${rows.join().replaceAll(/\D*\b(\d+) Jan.*/g, '$1')}] `).join('')}${doubt ?? 'ok'}`;

/** Returns the annotations of times from history, and of those received from then on. */
const seen = (history: readonly number[], live: readonly number[], now: number): readonly string[] => {
  const times = timeAnnotator(true);
  return [
    ...history.map((time, n) => shape(times.annotate(time, history.slice(n + 1, n + 6), now, false))),
    ...live.map((time) => shape(times.annotate(time, [], now, true))),
  ];
};

describe('the day rule of timeAnnotator', () => {
  test('is drawn when a new day begins, and not for today', () => {
    expect(seen([at(1), at(1, 5), at(2), at(3)], [at(3, 1)], at(3, 1))).toStrictEqual([
      '[2] ok',
      'ok',
      '[3] ok',
      '[4] ok',
      'ok',
    ]);
    expect(seen([at(3)], [], at(3))).toStrictEqual(['ok']);
  });

  test('is drawn only forward when clocks are wrong', () => {
    const ticks = [at(4), at(5), at(6), at(4, 1), at(5, 1), at(6, 1)];
    expect(seen([], ticks, at(5, 1))).toStrictEqual(['date', 'ok', 'date', 'date', 'ok', 'date']);
    const rules = seen(ticks, [], at(5, 1)).filter((each) => each.startsWith('['));
    expect(rules).toStrictEqual(['[5] ok', '[6] ok']);
  });

  test('is not drawn for a day in the future', () => {
    expect(seen([], [at(9)], at(5))).toStrictEqual(['date']);
  });
});

describe('a time in timeAnnotator', () => {
  test('is doubted when it is minutes away from its neighbours', () => {
    expect(seen([at(1), at(1, 1), at(1, 30), at(1, 3), at(1, 4)], [], at(1, 60))).toStrictEqual([
      'ok',
      'ok',
      'clock',
      'ok',
      'ok',
    ]);
    expect(seen([at(1), at(1, 1), at(1, -30), at(1, 3)], [], at(1, 4))).toStrictEqual([
      'ok',
      'ok',
      'clock',
      'ok',
    ]);
    expect(seen([], [at(1), at(1, 12), at(1, -12)], at(1))).toStrictEqual(['ok', 'clock', 'clock']);
  });

  test('is not doubted after hours of silence', () => {
    expect(seen([at(1), at(1, 1), at(1, 300), at(1, 301)], [], at(1, 302))).toStrictEqual([
      'ok',
      'ok',
      'ok',
      'ok',
    ]);
  });

  test('is not doubted for long because of one wrong clock', () => {
    expect(seen([at(1, 60)], [at(1), at(1, 1), at(1, 2)], at(1, 59))).toContain('clock');
    const [, , ...next] = seen([at(1), at(3), at(1, 1), at(1, 2), at(1, 3)], [], at(5));
    expect(next.every((each) => !each.includes('clock'))).toBe(true);
  });
});
