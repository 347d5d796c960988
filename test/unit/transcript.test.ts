import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Received } from '../../streams/client/entries.js';
import type { Token } from '../../streams/client/cipher.js';
import { partsOf, readSeen, seenValue, SPAN_LIMIT } from '../../streams/client/seen.js';
import { type Transcript, transcript } from '../../streams/client/transcript.js';
import { announcementLine, readAnnouncement } from '../../streams/wire/entry.js';
import { sha256 } from '../../src/crypto/sha256.js';
import { welcome } from '../support/heard.js';

const reader = (keep?: number): Transcript =>
  transcript({ hash: sha256, ...(keep !== undefined && { keep }) });
const entry = (line: string): Received => {
  const announcement = readAnnouncement(line);
  return announcement === undefined
    ? { type: 'token', position: 0, token: line as Token }
    : { ...announcement, position: 0 };
};
/** Comes to a log at `from`, and reads lines. */
const come = (to: Transcript, from: number, lines: string[], log = 'log'): Transcript => {
  to.read(welcome({ log, from }));
  for (const line of lines) to.read(entry(line));
  return to;
};
const digest = (text: string | Buffer) => createHash('sha256').update(text).digest();

describe('what is claimed', () => {
  test('is the hash over the hashes of the lines, as they stand on the wire', () => {
    const lines = ['+alice', 'gAAAA', '-alice,bob', '+*1200'];
    expect(come(reader(), 5, lines).claim()).toStrictEqual({
      log: 'log',
      from: 5,
      to: 8,
      hash: digest(Buffer.concat(lines.map(digest))).toString('base64url'),
    });
  });

  test('begins where the last one ended that came back, behind a gap, or in another log', () => {
    const one = reader();
    expect(one.claim()).toBeUndefined();
    come(one, 5, []);
    expect(one.claim()).toMatchObject({ from: 5, to: 4, hash: digest('').toString('base64url') });
    one.read(entry('a'));
    const first = one.claim()!;
    expect(first).toMatchObject({ from: 5, to: 5 });
    one.read(entry('b'));
    expect(one.claim()).toMatchObject({ from: 5, to: 6 });
    one.settle(first, 6);
    expect(one.claim()).toMatchObject({ from: 6, to: 6 });
    one.settle(one.claim()!, 7);
    // Where nothing came since, the newest once more.
    expect(one.claim()).toMatchObject({ from: 6, to: 6 });
    one.read({ type: 'gap', from: 7, to: 9 });
    expect(one.claim()).toMatchObject({ from: 10, to: 9 });
    one.read(entry('d'));
    expect(one.claim()).toMatchObject({ from: 10, to: 10 });
    come(one, 1, ['e'], 'other');
    expect(one.claim()).toMatchObject({ log: 'other', from: 1, to: 1 });
  });

  test('shows nothing if it is empty: it agrees with every log', () => {
    const one = reader();
    come(one, 1, []);
    const empty = one.claim()!;
    const other = come(reader(), 1, ['x', 'y']);
    expect(other.compare(empty, 3)).toBe('unknown');
    expect(other.compare({ ...empty, hash: digest('more').toString('base64url') }, 3)).toBe('other');
  });

  test('goes on over what was claimed so late that others may not have it any more', () => {
    const one = come(reader(), 1, ['a', 'b']);
    const claim = one.claim()!;
    for (let n = 3; n <= 5000; n += 1) one.read(entry(`${n}`));
    one.settle(claim, 4099);
    expect(one.claim()).toMatchObject({ from: 1, to: 5000 });
    one.settle(claim, 4098);
    expect(one.claim()).toMatchObject({ from: 1, to: 5000 });
    one.settle({ ...claim, to: 200 }, 4000);
    expect(one.claim()).toMatchObject({ from: 193, to: 5000 });
  });
});

const lines = (count: number, from = 1) => Array.from({ length: count }, (_, n) => `line ${from + n}`);

describe('a long claim', () => {
  test('is in parts, each with a hash of its own', () => {
    const claim = come(reader(), 100, lines(2000)).claim()!;
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
    expect(seenValue(claim)).toStrictEqual(['log', 100, 2099, ...expected]);
    expect(readSeen(seenValue(claim))).toStrictEqual(claim);
    expect(come(reader(), 100, lines(2000)).compare(claim, 2100)).toBe('same');
  });

  test('is cut so that parts are whole, in order, and few', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 0, max: SPAN_LIMIT - 1 }),
        (from, more) => {
          const parts = partsOf(from, from + more);
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

  // However many entries are between, and whatever a reader has not.
  test.each([1100, 10_000, 100_000])('shows what was left out behind %d other entries', (distance) => {
    const told = lines(distance);
    const [alice, bob, late] = [reader(), reader(), reader()];
    come(alice, 3, ['said', 'hidden', ...told]);
    come(bob, 3, ['said', 'said', ...told]);
    const claim = alice.claim()!;
    expect(bob.compare(claim, distance + 5)).toBe('other');
    // Who came later has not read where the first part begins, and compares the others.
    come(late, 4, ['other', ...told]);
    expect(late.compare(claim, distance + 5)).toBe('same');
    expect(come(reader(), 3, ['said', 'hidden', ...told]).compare(claim, distance + 5)).toBe('same');
  });

  test('is compared by who came later, as far as that one has read', () => {
    const claim = come(reader(), 1, lines(3000)).claim()!;
    expect(come(reader(), 2000, lines(1001, 2000)).compare(claim, 3001)).toBe('same');
    expect(come(reader(), 2000, ['x', ...lines(1000, 2001)]).compare(claim, 3001)).toBe('same');
    expect(come(reader(), 2000, [...lines(500, 2000), 'x', ...lines(500, 2501)]).compare(claim, 3001)).toBe(
      'other',
    );
  });

  test('is about so many entries and no more', () => {
    // The hash does not matter here.
    const one = transcript({ hash: () => new Uint8Array(32) });
    come(one, 1, []);
    for (let n = 0; n < SPAN_LIMIT + 70; n += 1) one.read(entry('x'));
    const claim = one.claim()!;
    expect(claim).toMatchObject({ from: 129, to: SPAN_LIMIT + 70 });
    expect(readSeen(seenValue(claim))).toStrictEqual(claim);
    expect(one.compare(claim, SPAN_LIMIT + 71)).toBe('same');
  });
});

describe('what is compared', () => {
  const claim = come(reader(), 3, ['a', 'b', 'c']).claim()!;

  test('is the same for who has read the same, whatever came before and after', () => {
    expect(come(reader(), 3, ['a', 'b', 'c', 'd']).compare(claim, 6)).toBe('same');
    expect(come(reader(), 1, ['x', 'y', 'a', 'b', 'c']).compare(claim, 6)).toBe('same');
  });

  test.each([
    ['left out', ['a', 'c', 'd']],
    ['put in', ['a', 'x', 'b', 'c']],
    ['changed', ['a', 'x', 'c']],
    ['moved', ['b', 'a', 'c']],
  ])('is other where something was %s', (_name, lines) => {
    expect(come(reader(), 3, lines).compare(claim, 6)).toBe('other');
  });

  test('is other where the sender says that it has read what comes after its own words', () => {
    expect(come(reader(), 3, ['a', 'b']).compare(claim, 5)).toBe('other');
    // Even where that is just what came.
    expect(come(reader(), 3, ['a', 'b', 'c']).compare(claim, 5)).toBe('other');
  });

  test('is not known where it begins before what was read, and in another log', () => {
    expect(come(reader(), 4, ['b', 'c', 'd']).compare(claim, 6)).toBe('unknown');
    const gap = come(reader(), 3, ['a']);
    gap.read({ type: 'gap', from: 4, to: 5 });
    expect(gap.compare(claim, 7)).toBe('unknown');
    expect(come(reader(), 3, ['a', 'b', 'c'], 'other').compare(claim, 6)).toBe('other-log');
  });

  test('is remembered of so many entries and no more', () => {
    const other = come(reader(), 200, ['a', 'b', 'c']).claim()!;
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

  test('is remembered for ever of the block in which a reader has begun', () => {
    const one = come(reader(), 3, ['a', 'b', 'c', ...lines(20_000)]);
    expect(one.compare(claim, 20_006)).toBe('same');
    expect(come(reader(), 3, ['a', 'x', 'c', ...lines(20_000)]).compare(claim, 20_006)).toBe('other');
  });
});

test('breaks, logs and what was lost are counted where a connection does not go on where the last one was', () => {
  const one = come(reader(), 1, ['a', 'b']);
  const told = () => [one.breaks, one.logs, one.lost, one.isWhole];
  expect(told()).toStrictEqual([1, 1, undefined, true]);
  come(one, 3, ['c']);
  expect(told()).toStrictEqual([1, 1, undefined, true]);
  come(one, 6, []);
  expect(told()).toStrictEqual([2, 1, undefined, false]);
  come(one, 2, []);
  expect(told()).toStrictEqual([3, 2, 2, false]);
  come(one, 1, [], 'other');
  expect(told()).toStrictEqual([4, 3, undefined, true]);
});

test('an announcement is written again as it was read: its hash is that of the line', () => {
  const line = fc.oneof(
    fc.tuple(fc.constantFrom('+', '-'), fc.string({ unit: 'binary' })).map((parts) => parts.join('')),
    fc.stringMatching(/^[+-]\*[1-9][0-9]{0,9}$/),
    fc.stringMatching(/^[+-][a-z,]{1,9}$/),
  );
  fc.assert(
    fc.property(line, (each) => {
      const announcement = readAnnouncement(each);
      if (announcement !== undefined) expect(announcementLine(announcement)).toBe(each);
    }),
  );
});
