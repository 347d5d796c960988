import { describe, expect, test } from '@jest/globals';
import { days, type Timing } from '../../../src/cli/chat/days.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
const at = (day: number, minutes = 0) => day * DAY + 600 * MINUTE + minutes * MINUTE;

/** `[2]` is a rule of the second day, `10:00`, `10:00?` and `2 Jan 10:00` a message under it. */
const shape = ({ rule, doubt }: Timing): string =>
  `${rule.map(({ text }) => `[${text.join().replaceAll(/\D*\b(\d+) Jan.*/g, '$1')}] `).join('')}${doubt ?? 'ok'}`;

/** What comes of the times of a history that is read back, and of what is said from then on. */
const seen = (history: readonly number[], live: readonly number[], now: number): readonly string[] => {
  const times = days(true);
  return [
    ...history.map((time, n) => shape(times.take(time, history.slice(n + 1, n + 6), now, false))),
    ...live.map((time) => shape(times.take(time, [], now, true))),
  ];
};

describe('the day rule', () => {
  test('is drawn where a new day begins, and not for today', () => {
    expect(seen([at(1), at(1, 5), at(2), at(3)], [at(3, 1)], at(3, 1))).toStrictEqual([
      '[2] ok',
      'ok',
      '[3] ok',
      '[4] ok',
      'ok',
    ]);
    expect(seen([at(3)], [], at(3))).toStrictEqual(['ok']);
  });

  test('is drawn only forward, whatever clocks are wrong', () => {
    const turns = [at(4), at(5), at(6), at(4, 1), at(5, 1), at(6, 1)];
    expect(seen([], turns, at(5, 1))).toStrictEqual(['date', 'ok', 'date', 'date', 'ok', 'date']);
    const rules = seen(turns, [], at(5, 1)).filter((each) => each.startsWith('['));
    expect(rules).toStrictEqual(['[5] ok', '[6] ok']);
  });

  test('is not drawn for a day that has not come', () => {
    expect(seen([], [at(9)], at(5))).toStrictEqual(['date']);
  });
});

describe('a time', () => {
  test('that is some minutes away from those around it is doubted', () => {
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

  test('after hours in which nobody said anything is not', () => {
    expect(seen([at(1), at(1, 1), at(1, 300), at(1, 301)], [], at(1, 302))).toStrictEqual([
      'ok',
      'ok',
      'ok',
      'ok',
    ]);
  });

  test('that is right is not doubted for long, because of one that was not', () => {
    expect(seen([at(1, 60)], [at(1), at(1, 1), at(1, 2)], at(1, 59))).toContain('clock');
    const [, , ...later] = seen([at(1), at(3), at(1, 1), at(1, 2), at(1, 3)], [], at(5));
    expect(later.every((each) => !each.includes('clock'))).toBe(true);
  });
});
