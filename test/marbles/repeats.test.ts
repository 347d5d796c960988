import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { filter, pipe } from 'rxjs';
import { repeats } from '../../streams/client/repeats.js';
import { marbles } from '../support/marbles.js';
import { token } from '../support/wire.js';

/** Tokens in, those that are new out. */
const fresh = (keep?: number) => {
  const { isRepeat } = repeats({ ...(keep !== undefined && { keep }) });
  return pipe(filter<string>((each) => !isRepeat(each)));
};

describe('repeats', () => {
  test('lets each token by once', () => {
    marbles(({ hot, expectObservable }) => {
      const token$ = hot('                       -a-b-a-(ab)-c-a|');
      expectObservable(token$.pipe(fresh())).toBe('-a-b--------c--|');
    });
  });

  test('remembers the newest, forgets the oldest first, and takes no repeat for a reason to remember longer', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('abc-abc').pipe(fresh(3))).toBe('   abc----');
      expectObservable(hot('abcd-bcd-a').pipe(fresh(3))).toBe('abcd-----a');
      expectObservable(hot('abcad-a').pipe(fresh(3))).toBe('   abc-d-a');
      expectObservable(hot('aab-ba').pipe(fresh(1))).toBe('    a-b--a');
    });
  });

  test('goes round for good: after many tokens it still keeps so many, and no more', () => {
    const { isRepeat } = repeats({ keep: 8 });
    for (let n = 0; n < 1000; n += 1) {
      expect(isRepeat(`${n}`)).toBe(false);
      if (n >= 7) expect(isRepeat(`${n - 7}`)).toBe(true);
    }
  });

  test('keeps 8192 where it is not told otherwise', () => {
    const { isRepeat } = repeats();
    for (let n = 0; n < 8192; n += 1) isRepeat(`${n}`);
    expect(isRepeat('0')).toBe(true);
    isRepeat('8192');
    expect(isRepeat('1')).toBe(true);
    expect(isRepeat('0')).toBe(false);
  });

  test('knows a token by the HMAC at its end', () => {
    const { isRepeat } = repeats();
    const other = (at: number) => {
      const whole = token('x');
      return `${whole.slice(0, at)}*${whole.slice(at + 1)}`;
    };
    expect(isRepeat(token('x'))).toBe(false);
    for (let n = 1; n <= 43; n += 1) expect(isRepeat(other(token('x').length - n))).toBe(false);
    expect(isRepeat(other(token('x').length - 44))).toBe(true);
  });

  test('two memories share nothing', () => {
    const [one, two] = [repeats(), repeats()];
    expect(one.isRepeat(token('x'))).toBe(false);
    expect(two.isRepeat(token('x'))).toBe(false);
  });

  test('holds on to the end of a token only, not to the 64 KiB before it', () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const heap = () => {
      gc();
      return process.memoryUsage().heapUsed;
    };
    const { isRepeat } = repeats();
    const before = heap();
    for (let n = 0; n < 500; n += 1) isRepeat('a'.repeat(65_536) + `${n}`.padStart(43, '-'));
    expect(heap() - before).toBeLessThan(8 << 20);
    expect(isRepeat('0'.padStart(43, '-'))).toBe(true);
  });
});
