import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { splitMessage } from '../../../src/page/parseInput.js';

import { fitsInMessage, MAX_MESSAGE_BYTES } from '../../../streams/client/send/batchLines.js';

const withoutLineEnds = (text: string): string => text.replaceAll('\n', '');

describe('splitMessage', () => {
  test('returns parts that fit into a message and form the text without the line ends at the cuts', () => {
    const chunk = fc.tuple(
      fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        fc.constantFrom('\n', '"', '\u0001', '\ud83d', 'x'),
      ),
      fc.integer({ min: 1, max: 9000 }),
    );
    fc.assert(
      fc.property(fc.array(chunk, { minLength: 1, maxLength: 8 }), (chunks) => {
        const text = chunks.map(([each, times]) => each.repeat(times)).join('\n');
        const parts = splitMessage(text);
        for (const part of parts) expect(fitsInMessage(part) && part !== '').toBe(true);
        expect(withoutLineEnds(parts.join(''))).toBe(withoutLineEnds(text));
      }),
      { numRuns: 40 },
    );
  });

  test('splits at line ends, or between graphemes', () => {
    expect(splitMessage('short\ntext')).toStrictEqual(['short\ntext']);
    const family = '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}';
    for (const part of splitMessage(family.repeat(5000))) expect(part.length % family.length).toBe(0);
    const lines = Array.from({ length: 5000 }, (_, n) => `line ${n}`);
    const parts = splitMessage(lines.join('\n'));
    expect(parts.join('\n')).toBe(lines.join('\n'));
  });

  test('takes no time for five million characters', () => {
    expect(splitMessage('x'.repeat(5_000_000))).toHaveLength(Math.ceil(5_000_000 / (MAX_MESSAGE_BYTES - 3)));
  });
});
