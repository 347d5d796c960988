import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Subject } from 'rxjs';
import { fanOut } from '../../../../streams/relay/delivery/fanOut.js';
import { roomLog } from '../../../../streams/relay/log/roomLog.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { appendAndCommit } from '../../../support/logs.js';

const lengths = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 8 });

/** A step around a sink: the log grows by some lines, a notice comes, or both; the sink drains. */
const step = fc.record({
  does: fc.constantFrom('grow' as const, 'notice' as const, 'both' as const, 'drain' as const),
  lengths,
});
const steps = fc.array(step, { maxLength: 60 });
/** Whether each write is accepted or pushed back, and what is appended within it. */
const answers = fc.array(fc.constantFrom('y', 'n'), { maxLength: 60 }).map((all) => all.join(''));
const nested = fc.array(fc.option(lengths, { nil: undefined }), { maxLength: 20 });

interface Run {
  readonly window: number;
  readonly steps: { readonly does: 'grow' | 'notice' | 'both' | 'drain'; readonly lengths: number[] }[];
  readonly answers: string;
  readonly nested: (number[] | undefined)[];
}

/** Runs the steps, then drains the sink until everything is written. */
const play = (run: Run) => {
  const log = roomLog({ id: 'log', windowBytes: run.window });
  const notice = new Subject<void>();
  const drained = new Subject<void>();
  const within = run.nested.values();
  let appended = '';
  let pushedBack = false;
  let done = false;

  const grow = (each: readonly number[]) => {
    const lines = each.map((length, at) => `${log.next + at}`.padEnd(6 + length, '.'));
    appended += lines.map((line) => `${line}\n`).join('');
    appendAndCommit(log, ...lines);
  };
  const sink = fakeConnection({
    writable$: drained,
    writeResults: run.answers,
    onWrite: () => {
      pushedBack = run.answers[sink.writes.length - 1] === 'n';
      const more = within.next().value;
      if (more === undefined) return;
      grow(more);
      notice.next();
    },
  });
  // As a socket does: only after it has pushed back, and never within a write.
  const drain = () => {
    if (!pushedBack) return;
    pushedBack = false;
    drained.next();
  };

  notice.pipe(fanOut({ cursor: log.cursor(1), sink })).subscribe({ complete: () => (done = true) });
  for (const { does, lengths: each } of run.steps) {
    if (does === 'drain') drain();
    if (does === 'grow' || does === 'both') grow(each);
    if (does === 'notice' || does === 'both') notice.next();
  }
  notice.next();
  notice.complete();
  for (let n = 0; n < run.answers.length; n += 1) drain();
  return { appended, written: sink.writes.join(''), last: log.next - 1, done };
};

describe('fanOut with any pattern of notices, drains and nested appends', () => {
  test('writes every byte once and in order to a reader within the window', () => {
    fc.assert(
      fc.property(fc.record({ window: fc.constant(1 << 24), steps, answers, nested }), (run) => {
        const { appended, written, done } = play(run);
        expect(written).toBe(appended);
        expect(done).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('writes every line or its gap once and in order to a reader that falls out of the window', () => {
    let gaps = 0;
    fc.assert(
      fc.property(fc.record({ window: fc.constant(2048), steps, answers, nested }), (run) => {
        const { written, last, done } = play(run);
        const numbers = written
          .split('\n')
          .slice(0, -1)
          .flatMap((line) => {
            const gap = /^GAP (\d+) (\d+)$/.exec(line);
            if (gap === null) return [parseInt(line, 10)];
            gaps += 1;
            const [from, to] = [Number(gap[1]), Number(gap[2])];
            return Array.from({ length: to - from + 1 }, (_, n) => from + n);
          });
        expect(numbers).toStrictEqual(Array.from({ length: last }, (_, n) => n + 1));
        expect(done).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(gaps).toBeGreaterThan(0);
  });
});
