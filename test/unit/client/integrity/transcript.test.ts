import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { RelayMessage } from '../../../../streams/client/receive/entries.js';
import type { Token } from '../../../../streams/client/envelope/cipher.js';
import {
  splitRange,
  parseReadRange,
  formatReadRange,
  MAX_RANGE_ENTRIES,
} from '../../../../streams/client/envelope/readRange.js';
import { type Transcript, transcript } from '../../../../streams/client/integrity/transcript.js';
import { formatAnnouncement, parseAnnouncement } from '../../../../streams/wire/entry.js';
import { sha256 } from '../../../../src/crypto/nodeVerify.js';
import { welcomeEvent } from '../../../support/clientEvents.js';
import { codePoint } from '../../../support/codePoint.js';

const digests = new Map<string, Uint8Array>();
/** SHA-256. The readers of a test hash the same hundred thousand lines. */
const hash: typeof sha256 = (bytes) => {
  const key = Buffer.from(bytes).toString('latin1');
  const known = digests.get(key) ?? sha256(bytes);
  digests.set(key, known);
  return known;
};
afterEach(() => {
  digests.clear();
});

const reader = (keep?: number): Transcript =>
  transcript({ hash, ...(keep !== undefined && { maxDigests: keep }) });
const entry = (line: string): RelayMessage => {
  const announcement = parseAnnouncement(line);
  return announcement === undefined
    ? { type: 'token', position: 0, token: line as Token }
    : { ...announcement, position: 0 };
};
/** Reads a welcome at a position, then lines. */
const come = (to: Transcript, from: number, lines: string[], log = 'log'): Transcript => {
  to.read(welcomeEvent({ log, from }));
  for (const line of lines) to.read(entry(line));
  return to;
};
const digest = (text: string | Buffer) => createHash('sha256').update(text).digest();

describe('the summary of a transcript', () => {
  test('the summary is the hash over the hashes of the lines on the wire', () => {
    const lines = ['+alice', 'gAAAA', '-alice,bob', '+*1200'];
    expect(come(reader(), 5, lines).summary()).toStrictEqual({
      log: 'log',
      from: 5,
      to: 8,
      hash: digest(Buffer.concat(lines.map(digest))).toString('base64url'),
    });
  });

  test('the summary begins after the last confirmed one, after a gap, or in another log', () => {
    const one = reader();
    expect(one.summary()).toBeUndefined();
    come(one, 5, []);
    expect(one.summary()).toMatchObject({ from: 5, to: 4, hash: digest('').toString('base64url') });
    one.read(entry('a'));
    const first = one.summary()!;
    expect(first).toMatchObject({ from: 5, to: 5 });
    one.read(entry('b'));
    expect(one.summary()).toMatchObject({ from: 5, to: 6 });
    one.confirm(first, 6);
    expect(one.summary()).toMatchObject({ from: 6, to: 6 });
    one.confirm(one.summary()!, 7);
    // Without a new entry, the newest one again.
    expect(one.summary()).toMatchObject({ from: 6, to: 6 });
    one.read({ type: 'gap', from: 7, to: 9 });
    expect(one.summary()).toMatchObject({ from: 10, to: 9 });
    one.read(entry('d'));
    expect(one.summary()).toMatchObject({ from: 10, to: 10 });
    come(one, 1, ['e'], 'other');
    expect(one.summary()).toMatchObject({ log: 'other', from: 1, to: 1 });
  });

  test('an empty summary agrees with every log', () => {
    const one = reader();
    come(one, 1, []);
    const empty = one.summary()!;
    const other = come(reader(), 1, ['x', 'y']);
    expect(other.compare(empty, 3)).toBe('unknown');
    expect(other.compare({ ...empty, hash: digest('more').toString('base64url') }, 3)).toBe('other');
  });

  test('the summary repeats a range that was confirmed too late for others to compare', () => {
    const one = come(reader(), 1, ['a', 'b']);
    const claim = one.summary()!;
    for (let n = 3; n <= 5000; n += 1) one.read(entry(`${n}`));
    one.confirm(claim, 4099);
    expect(one.summary()).toMatchObject({ from: 1, to: 5000 });
    one.confirm(claim, 4098);
    expect(one.summary()).toMatchObject({ from: 1, to: 5000 });
    one.confirm({ ...claim, to: 200 }, 4000);
    expect(one.summary()).toMatchObject({ from: 193, to: 5000 });
  });
});

const lines = (count: number, from = 1) => Array.from({ length: count }, (_, n) => `line ${from + n}`);

describe('a long summary', () => {
  test('a long summary has parts with a hash each', () => {
    const claim = come(reader(), 100, lines(2000)).summary()!;
    expect(claim).toMatchObject({ from: 100, to: 2099 });
    const digests = lines(2000).map(digest);
    const flat = (from: number, to: number) => digest(Buffer.concat(digests.slice(from - 100, to - 99)));
    const blocks = (from: number, to: number) =>
      digest(
        Buffer.concat(
          Array.from({ length: (to - from + 1) / 64 }, (_, n) => flat(from + 64 * n, from + 64 * n + 63)),
        ),
      );
    const expected = [
      flat(100, 128),
      blocks(129, 256),
      blocks(257, 512),
      blocks(513, 1024),
      blocks(1025, 2048),
      flat(2049, 2099),
    ].map((each) => each.toString('base64url'));
    expect(formatReadRange(claim)).toStrictEqual(['log', 100, 2099, ...expected]);
    expect(parseReadRange(formatReadRange(claim))).toStrictEqual(claim);
    expect(come(reader(), 100, lines(2000)).compare(claim, 2100)).toBe('same');
  });

  test('the parts of a long summary are complete, ordered and few', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 0, max: MAX_RANGE_ENTRIES - 1 }),
        (from, more) => {
          const parts = splitRange(from, from + more);
          expect(parts.length).toBeLessThanOrEqual(32);
          let next = from;
          for (const part of parts) {
            expect(part.from).toBe(next);
            next = part.to + 1;
            const length = next - part.from;
            if (part.isAligned) expect((part.from - 1) % length).toBe(0);
            else if (parts.length > 1) expect(length).toBeLessThan(64);
          }
          expect(next).toBe(from + more + 1);
        },
      ),
    );
  });

  // Regardless of how many entries are between, and which a reader lacks.
  test.each([1100, 10_000, 100_000])(
    'a long summary reveals a missing entry after %d other entries',
    (distance) => {
      const reported = lines(distance);
      const [alice, bob, late] = [reader(), reader(), reader()];
      come(alice, 3, ['said', 'hidden', ...reported]);
      come(bob, 3, ['said', 'said', ...reported]);
      const claim = alice.summary()!;
      expect(bob.compare(claim, distance + 5)).toBe('other');
      // A newcomer has not read the start of the first part, and compares the other parts.
      come(late, 4, ['other', ...reported]);
      expect(late.compare(claim, distance + 5)).toBe('same');
      expect(come(reader(), 3, ['said', 'hidden', ...reported]).compare(claim, distance + 5)).toBe('same');
    },
  );

  test('a later member compares the part of a long summary that it has read', () => {
    const claim = come(reader(), 1, lines(3000)).summary()!;
    expect(come(reader(), 2000, lines(1001, 2000)).compare(claim, 3001)).toBe('same');
    expect(come(reader(), 2000, ['x', ...lines(1000, 2001)]).compare(claim, 3001)).toBe('same');
    expect(come(reader(), 2000, [...lines(500, 2000), 'x', ...lines(500, 2501)]).compare(claim, 3001)).toBe(
      'other',
    );
  });

  test('a summary covers a limited number of entries', () => {
    // The hash is irrelevant here.
    const zeros = new Uint8Array(32);
    const one = transcript({ hash: () => zeros });
    come(one, 1, []);
    for (let n = 0; n < MAX_RANGE_ENTRIES + 70; n += 1) one.read(entry('x'));
    const claim = one.summary()!;
    expect(claim).toMatchObject({ from: 129, to: MAX_RANGE_ENTRIES + 70 });
    expect(parseReadRange(formatReadRange(claim))).toStrictEqual(claim);
    expect(one.compare(claim, MAX_RANGE_ENTRIES + 71)).toBe('same');
  });
});

describe('the comparison of ranges', () => {
  const claim = come(reader(), 3, ['a', 'b', 'c']).summary()!;

  test('a range is the same for members that have read the same entries', () => {
    expect(come(reader(), 3, ['a', 'b', 'c', 'd']).compare(claim, 6)).toBe('same');
    expect(come(reader(), 1, ['x', 'y', 'a', 'b', 'c']).compare(claim, 6)).toBe('same');
  });

  test.each([
    ['left out', ['a', 'c', 'd']],
    ['put in', ['a', 'x', 'b', 'c']],
    ['changed', ['a', 'x', 'c']],
    ['moved', ['b', 'a', 'c']],
  ])('a range is different when an entry was %s', (_name, lines) => {
    expect(come(reader(), 3, lines).compare(claim, 6)).toBe('other');
  });

  test('a range is different when it covers entries after its own message', () => {
    expect(come(reader(), 3, ['a', 'b']).compare(claim, 5)).toBe('other');
    // Even if those entries match.
    expect(come(reader(), 3, ['a', 'b', 'c']).compare(claim, 5)).toBe('other');
  });

  test('a range is unknown when it begins before what was read, and in another log', () => {
    expect(come(reader(), 4, ['b', 'c', 'd']).compare(claim, 6)).toBe('unknown');
    const gap = come(reader(), 3, ['a']);
    gap.read({ type: 'gap', from: 4, to: 5 });
    expect(gap.compare(claim, 7)).toBe('unknown');
    expect(come(reader(), 3, ['a', 'b', 'c'], 'other').compare(claim, 6)).toBe('other-log');
  });

  test('digests of a limited number of entries are kept', () => {
    const other = come(reader(), 200, ['a', 'b', 'c']).summary()!;
    const before = lines(100);
    const one = come(reader(4), 100, [...before, 'a', 'b', 'c', 'd']);
    expect(one.compare(other, 204)).toBe('same');
    one.read(entry('e'));
    expect(one.compare(other, 205)).toBe('unknown');
    const usual = come(reader(), 100, [...before, 'a', 'b', 'c', ...lines(8189)]);
    expect(usual.compare(other, 8392)).toBe('same');
    usual.read(entry('x'));
    expect(usual.compare(other, 8393)).toBe('unknown');
  });

  test('digests of the first block of a reader are kept forever', () => {
    const one = come(reader(), 3, ['a', 'b', 'c', ...lines(20_000)]);
    expect(one.compare(claim, 20_006)).toBe('same');
    expect(come(reader(), 3, ['a', 'x', 'c', ...lines(20_000)]).compare(claim, 20_006)).toBe('other');
  });
});

test('gaps, logs and losses are counted when a connection does not continue the previous one', () => {
  const one = come(reader(), 1, ['a', 'b']);
  const reportedBy = () => [one.gapCount, one.logEpoch, one.lostFrom, one.isComplete];
  expect(reportedBy()).toStrictEqual([1, 1, undefined, true]);
  come(one, 3, ['c']);
  expect(reportedBy()).toStrictEqual([1, 1, undefined, true]);
  come(one, 6, []);
  expect(reportedBy()).toStrictEqual([2, 1, undefined, false]);
  come(one, 2, []);
  expect(reportedBy()).toStrictEqual([3, 2, 2, false]);
  come(one, 1, [], 'other');
  expect(reportedBy()).toStrictEqual([4, 3, undefined, true]);
});

test('the hash of an announcement is that of its line', () => {
  const line = fc.oneof(
    fc.tuple(fc.constantFrom('+', '-'), fc.string({ unit: codePoint })).map((parts) => parts.join('')),
    fc.stringMatching(/^[+-]\*[1-9][0-9]{0,9}$/),
    fc.stringMatching(/^[+-][a-z,]{1,9}$/),
  );
  fc.assert(
    fc.property(line, (each) => {
      const announcement = parseAnnouncement(each);
      if (announcement !== undefined) expect(formatAnnouncement(announcement)).toBe(each);
    }),
  );
});

describe('a transcript of a log that continues another one', () => {
  const ancestors = [{ log: 'old', n: 4 }];
  const comeTo = (to: Transcript, from: number, more: string[], log = 'new') => {
    to.read({ ...welcomeEvent({ log, from }), ancestors });
    for (const line of more) to.read(entry(line));
    return to;
  };

  test('a range of the ancestor is compared as far as both logs have the same entries', () => {
    const [first, beyond, other] = [lines(4), lines(6), ['line 1', 'x', 'line 3', 'line 4']].map((read) =>
      come(reader(), 1, read, 'old').summary()!,
    );
    const newcomer = comeTo(reader(), 1, [...lines(4), 'a', 'b', 'c']);
    expect(newcomer.compare(first!, 5)).toBe('same');
    expect(newcomer.compare(other!, 5)).toBe('other');
    expect(newcomer.compare(beyond!, 7)).toBe('other-log');
    expect(newcomer.compare({ ...first!, log: 'x' }, 7)).toBe('other-log');
    expect([newcomer.ageOf('new'), newcomer.ageOf('old'), newcomer.ageOf('x')]).toStrictEqual([
      0,
      1,
      undefined,
    ]);
    expect([1, 4, 5, 9].map(newcomer.ageAt)).toStrictEqual([1, 1, 0, 0]);
  });

  test('a part of a long range of the ancestor that both logs have is compared', () => {
    const claim = come(reader(), 1, lines(3000), 'old').summary()!;
    const long = (read: string[]) => {
      const one = reader();
      one.read({ ...welcomeEvent({ log: 'new', from: 1 }), ancestors: [{ log: 'old', n: 2500 }] });
      for (const line of read) one.read(entry(line));
      return one.compare(claim, 2600);
    };
    expect(long([...lines(2500), 'a'])).toBe('other-log');
    expect(long(['x', ...lines(2499, 2), 'a'])).toBe('other');
  });

  test('messages may be missing after the last common entry', () => {
    const newcomer = comeTo(reader(), 1, lines(4));
    const before = newcomer.gapCount;
    newcomer.read(entry('a'));
    expect(newcomer.gapCount).toBe(before + 1);
    newcomer.read(entry('b'));
    expect(newcomer.gapCount).toBe(before + 1);
    expect(newcomer.isComplete).toBe(true);
  });

  test('what was read of the ancestor counts if the log has all of it, and not if the log lost a part', () => {
    const continued = comeTo(come(reader(), 1, lines(3), 'old'), 4, ['line 4', 'a']);
    expect(continued.summary()).toMatchObject({ log: 'new', from: 1, to: 5 });
    expect([continued.logEpoch, continued.isComplete]).toStrictEqual([2, true]);
    const lost = comeTo(come(reader(), 1, lines(6), 'old'), 5, ['a']);
    expect(lost.summary()).toMatchObject({ log: 'new', from: 5, to: 5 });
    expect(lost.isComplete).toBe(false);
  });
});
