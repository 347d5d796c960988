import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Received } from '../../streams/client/entries.js';
import type { Token } from '../../streams/client/cipher.js';
import { readSeen, SEEN_LIMIT, type Transcript, transcript } from '../../streams/client/transcript.js';
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

  test('begins where the last one ended, behind a gap, or in another log; and is nothing where nothing came', () => {
    const one = reader();
    expect(one.claim()).toBeUndefined();
    come(one, 5, []);
    expect(one.claim()).toBeUndefined();
    one.read(entry('a'));
    expect(one.claim()).toMatchObject({ from: 5, to: 5 });
    expect(one.claim()).toBeUndefined();
    come(one, 6, ['b', 'c']);
    expect(one.claim()).toMatchObject({ from: 6, to: 7 });
    one.read({ type: 'gap', from: 8, to: 9 });
    expect(one.claim()).toBeUndefined();
    one.read(entry('d'));
    expect(one.claim()).toMatchObject({ from: 10, to: 10 });
    come(one, 1, ['e'], 'other');
    expect(one.claim()).toMatchObject({ log: 'other', from: 1, to: 1 });
  });

  test('is of so many entries and no more: the newest', () => {
    const one = come(
      reader(),
      1,
      Array.from({ length: SEEN_LIMIT + 5 }, (_, n) => `${n}`),
    );
    const claim = one.claim();
    expect(claim).toMatchObject({ from: 6, to: SEEN_LIMIT + 5 });
    expect(readSeen(Object.values(claim!))).toStrictEqual(claim);
  });

  test('is nothing in a log whose id others would not take', () => {
    expect(come(reader(), 1, ['a'], 'no id').claim()).toBeUndefined();
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
    const one = come(reader(4), 3, ['a', 'b', 'c', 'd']);
    expect(one.compare(claim, 7)).toBe('same');
    one.read(entry('e'));
    expect(one.compare(claim, 8)).toBe('unknown');
    const usual = come(reader(), 3, ['a', 'b', 'c', ...Array<string>(8189).fill('x')]);
    expect(usual.compare(claim, 8195)).toBe('same');
    usual.read(entry('x'));
    expect(usual.compare(claim, 8196)).toBe('unknown');
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
