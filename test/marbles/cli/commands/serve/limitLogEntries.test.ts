import { describe, expect, test } from '@jest/globals';
import { interval, map, merge, take, timer, toArray } from 'rxjs';
import { limitLogEntries, type LogEntry } from '../../../../../src/cli/commands/serve/limitLogEntries.js';
import { marbles } from '../../../../support/marbles.js';

const entry = (message: string, n: number, level: LogEntry['level'] = 'info'): LogEntry => ({
  level,
  fields: { n },
  message,
});

/** Returns the entries that pass, with the second of each. */
const run = (of: (n: number) => LogEntry, { count, everyMs }: { count: number; everyMs: number }) => {
  const passed: [second: number, entry: LogEntry][] = [];
  let now = 0;
  marbles(
    () => {
      merge(
        interval(everyMs).pipe(take(count), map(of)),
        // Holds the source open, so that nothing is due at its end.
        timer(86_400_000).pipe(map(() => entry('end', 0))),
      )
        .pipe(limitLogEntries())
        .subscribe((each) => passed.push([now, each]));
      interval(1000).subscribe(() => (now += 1));
    },
    { untilMs: 7_200_000 },
  );
  return passed;
};

describe('the limit of a log', () => {
  test('passes a burst, then one entry a minute that counts the others: a probe each second for an hour', () => {
    const passed = run((n) => entry('rejected', n), { count: 3600, everyMs: 1000 });
    // The burst of the first minute, and then one entry for each minute.
    expect(passed.slice(0, 50).map(([, { fields }]) => fields)).toStrictEqual(
      Array.from({ length: 50 }, (_, n) => ({ n })),
    );
    const summaries = passed.slice(50);
    expect(summaries.length).toBeLessThanOrEqual(60);
    const seconds = summaries.map(([second]) => second);
    expect(seconds.every((second, n) => n === 0 || second - seconds[n - 1]! >= 60)).toBe(true);
    const total = summaries.reduce((sum, [, { fields }]) => sum + 1 + Number(fields['unmentioned'] ?? 0), 50);
    expect(total).toBe(3600);
  });

  test('is the same for a scan of thousands per second', () => {
    const passed = run((n) => entry('rejected', n), { count: 200_000, everyMs: 1 });
    expect(passed.length).toBeLessThanOrEqual(50 + 4);
    expect(passed.at(-1)?.[1].fields).toHaveProperty('unmentioned');
  });

  test('applies to each kind by itself, to warnings and errors with a smaller burst, and not to traces', () => {
    const kinds = [entry('the store failed', 0, 'error'), entry('left', 0), entry('stored', 0, 'trace')];
    const passed = run((n) => kinds[n % 3]!, { count: 90, everyMs: 10 });
    const countOf = (message: string) => passed.filter(([, each]) => each.message === message).length;
    expect(['the store failed', 'left', 'stored'].map(countOf)).toStrictEqual([10 + 1, 30, 30]);
  });

  test('ends with a quiet minute: the next entries pass at once', () => {
    const passed = run((n) => entry('a connection failed', n), { count: 3, everyMs: 600_000 });
    expect(passed.map(([second]) => second)).toStrictEqual([600, 1200, 1800].map((second) => second - 1));
  });

  test('passes what is due when the source completes', () => {
    marbles(({ expectObservable }) => {
      const entries$ = interval(1).pipe(
        take(12),
        map((n) => entry('a connection failed', n)),
      );
      const omitted$ = entries$.pipe(
        limitLogEntries(),
        toArray(),
        map((all) => all.slice(10)),
      );
      expectObservable(omitted$).toBe('12ms (r|)', {
        r: [{ ...entry('a connection failed', 11), fields: { n: 11, unmentioned: 1 } }],
      });
    });
  });
});
