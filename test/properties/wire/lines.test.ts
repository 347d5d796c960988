import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { from } from 'rxjs';
import { ProtocolError } from '../../../streams/wire/errors.js';
import { lines as framing } from '../../../streams/wire/lines.js';
import { singleBytes, chunkedBytes } from '../../support/chunks.js';

const NEWLINE = 10;

interface Framed {
  readonly lines: string[];
  readonly error: string | undefined;
  /** Batches with another number of lines than they claim, or without a trailing newline. */
  readonly wrong: string[];
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Returns the lines of chunks, each of which is overwritten as soon as its emission is over. */
const framed = (chunks: readonly Uint8Array[], limit?: number): Framed => {
  const lines: string[] = [];
  const wrong: string[] = [];
  let error: string | undefined;
  const used = function* () {
    for (const chunk of chunks) {
      const pooled = chunk.slice();
      yield pooled;
      pooled.fill(NEWLINE);
    }
  };
  from(used())
    .pipe(framing(limit === undefined ? {} : { maxLineBytes: limit }))
    .subscribe({
      next: ({ bytes, count }) => {
        const batch = text(bytes);
        const parts = batch.split('\n');
        if (parts.pop() !== '' || parts.length !== count) wrong.push(`${count}: ${batch}`);
        lines.push(...parts);
      },
      error: (reason: unknown) => (error = reason instanceof ProtocolError ? reason.code : String(reason)),
    });
  return { lines, error, wrong };
};

/** The same by the definition: the whole, split. */
const split = (whole: Uint8Array, limit = Infinity): Framed => {
  const parts = text(whole).split('\n');
  const long = parts.findIndex((part) => part.length + 1 > limit);
  return long < 0
    ? { lines: parts.slice(0, -1), error: undefined, wrong: [] }
    : { lines: parts.slice(0, long), error: 'line-too-long', wrong: [] };
};

/** Bytes with many newlines, and any bytes. */
const someBytes = fc.oneof(
  fc.array(fc.constantFrom(NEWLINE, 97, 98), { maxLength: 200 }).map((bytes) => Uint8Array.from(bytes)),
  fc.uint8Array({ maxLength: 200 }),
);

describe('lines with any chunking of the same bytes', () => {
  test('emits the same lines', () => {
    fc.assert(
      fc.property(chunkedBytes(someBytes), ([whole, chunks]) => {
        expect(framed(chunks)).toStrictEqual(split(whole));
      }),
      { numRuns: 500 },
    );
  });

  test('errors at the same line, after the same lines', () => {
    fc.assert(
      fc.property(chunkedBytes(someBytes), fc.integer({ min: 1, max: 20 }), ([whole, chunks], limit) => {
        expect(framed(chunks, limit)).toStrictEqual(split(whole, limit));
      }),
      { numRuns: 500 },
    );
  });

  test('emits the same lines byte by byte', () => {
    fc.assert(
      fc.property(someBytes, fc.integer({ min: 1, max: 20 }), (whole, limit) => {
        expect(framed(singleBytes(whole))).toStrictEqual(split(whole));
        expect(framed(singleBytes(whole), limit)).toStrictEqual(split(whole, limit));
      }),
    );
  });
});
