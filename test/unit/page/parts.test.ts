import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { partsOf } from '../../../src/page/parts.js';
import { isSayable, PACK_LIMIT } from '../../../streams/index.js';

const withoutLineEnds = (text: string): string => text.replaceAll('\n', '');

describe('the parts of a text', () => {
  test('fit into a message each, and together are the text, but for the line ends that they were cut at', () => {
    const piece = fc.tuple(
      fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        fc.constantFrom('\n', '"', '\u0001', '\ud83d', 'x'),
      ),
      fc.integer({ min: 1, max: 9000 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const text = pieces.map(([each, times]) => each.repeat(times)).join('\n');
        const parts = partsOf(text);
        for (const part of parts) expect(isSayable(part) && part !== '').toBe(true);
        expect(withoutLineEnds(parts.join(''))).toBe(withoutLineEnds(text));
      }),
      { numRuns: 40 },
    );
  });

  test('are cut at line ends, or between what looks like single characters', () => {
    expect(partsOf('short\ntext')).toStrictEqual(['short\ntext']);
    const family = '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}';
    for (const part of partsOf(family.repeat(5000))) expect(part.length % family.length).toBe(0);
    const lines = Array.from({ length: 5000 }, (_, n) => `line ${n}`);
    const parts = partsOf(lines.join('\n'));
    expect(parts.join('\n')).toBe(lines.join('\n'));
  });

  test('of five million characters are found at once', () => {
    expect(partsOf('x'.repeat(5_000_000))).toHaveLength(Math.ceil(5_000_000 / (PACK_LIMIT - 3)));
  });
});
