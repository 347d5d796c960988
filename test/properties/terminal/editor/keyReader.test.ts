import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VirtualTimeScheduler } from 'rxjs';
import { type CursorReport, type EditorInput, keyReader } from '../../../../src/terminal/editor/keyReader.js';
import { chunkedBytes } from '../../../support/chunks.js';

const inputsOf = (chunks: readonly Uint8Array[]): readonly (EditorInput | CursorReport)[] => {
  const scheduler = new VirtualTimeScheduler();
  const inputs: (EditorInput | CursorReport)[] = [];
  const reader = keyReader((input) => inputs.push(input), scheduler);
  for (const chunk of chunks) reader.read(chunk);
  scheduler.flush();
  return inputs;
};

const byte = (from: number, to: number) =>
  fc.integer({ min: from, max: to }).map((code) => String.fromCharCode(code));
const bytes = (...each: fc.Arbitrary<string>[]) =>
  fc.array(fc.oneof(...each), { maxLength: 12 }).map((all) => all.join(''));

/** Control sequences and strings by their grammar (ECMA-48, 5.4 and 5.6), except keys that are text, and pastes. */
const control = fc
  .tuple(bytes(byte(0x30, 0x3f)), bytes(byte(0x20, 0x2f)), byte(0x40, 0x7e))
  .map((parts) => parts.join(''))
  .filter((each) => !/^[M[]|u$|^27;.*~$|^0*20[01].*~$/.test(each))
  .map((each) => `\x1b[${each}`);
const mouse = fc
  .tuple(byte(0x20, 0xff), byte(0x20, 0xff), byte(0x20, 0xff))
  .map((each) => `\x1b[M${each.join('')}`);
const single = byte(0x40, 0x7e).map((each) => `\x1bO${each}`);
const string = fc
  .tuple(
    fc.constantFrom(']', 'P', '_', '^', 'X'),
    bytes(byte(0x08, 0x0d), byte(0x20, 0x7e)),
    fc.constantFrom('\x07', '\x1b\\', '\xc2\x9c'),
  )
  .map((parts) => `\x1b${parts.join('')}`);
const sequence = fc.oneof(control, mouse, single, string);

describe('keyReader', () => {
  test('types nothing for an escape sequence in any pieces, and types what is around it', () => {
    const between = chunkedBytes(
      fc.tuple(sequence, sequence).map(([one, two]) => Buffer.from(`a${one}b${two}c`, 'latin1')),
    );
    fc.assert(
      fc.property(between, ([, chunks]) => {
        const text = inputsOf(chunks).flatMap((input) =>
          input.type === 'text' || input.type === 'paste' ? [input.text] : [],
        );
        expect(text.join('')).toBe('abc');
      }),
      { numRuns: 1000 },
    );
  });

  test('reads any bytes in any pieces, and works afterwards', () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .array(fc.oneof(sequence, fc.constantFrom('\x1b', '\x1b[200~', '\x1b[201~', '\r', '\x03', 'x')), {
          maxLength: 6,
        })
        .map((each) => Buffer.from(each.join(''), 'latin1')),
    );
    fc.assert(
      fc.property(chunkedBytes(any), ([, chunks]) => {
        const scheduler = new VirtualTimeScheduler();
        const inputs: (EditorInput | CursorReport)[] = [];
        const reader = keyReader((input) => inputs.push(input), scheduler);
        for (const chunk of chunks) reader.read(chunk);
        scheduler.flush();
        reader.read(Buffer.from('k'));
        scheduler.flush();
        expect(inputs.at(-1)).toStrictEqual({ type: 'text', text: 'k' });
      }),
      { numRuns: 1000 },
    );
  });

  test('returns a paste exactly, in any pieces', () => {
    fc.assert(
      fc.property(
        fc
          .string({ unit: 'grapheme' })
          .chain((text) =>
            fc.tuple(fc.constant(text), chunkedBytes(fc.constant(Buffer.from(`\x1b[200~${text}\x1b[201~z`)))),
          ),
        ([text, [, chunks]]) => {
          expect(inputsOf(chunks).filter(({ type }) => type !== 'pasting')).toStrictEqual([
            { type: 'paste', text, cut: false },
            { type: 'text', text: 'z' },
          ]);
        },
      ),
    );
  });
});
