import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import wabt from 'wabt';
import { base64urlScanner, encodeText, scriptScanner } from '../../../streams/wire/encoding.js';

const WIRE = resolve(import.meta.dirname, '../../../streams/wire');
const DIGIT = /[\w-]/;
/** 128 KiB: the memory of the assembled function. */
const MEMORY = 131_072;

/** An independent implementation with a regular expression, byte by byte. */
const expectedEnd = (bytes: Uint8Array, from: number): number => {
  const at = bytes.subarray(from).findIndex((byte) => !DIGIT.test(String.fromCharCode(byte)));
  return at < 0 ? bytes.length : from + at;
};

describe.each([
  ['base64urlRuns', base64urlScanner],
  ['scriptedRuns', scriptScanner],
])('%s', (_name, runs) => {
  test('knows each of the 256 bytes, in each place of a block of sixteen and behind it', () => {
    for (let byte = 0; byte < 256; byte += 1)
      for (let place = 0; place < 19; place += 1) {
        const bytes = encodeText('abcdefghijklmnopqrs');
        bytes[place] = byte;
        expect(runs(bytes)(0)).toBe(expectedEnd(bytes, 0));
      }
  });

  test('finds the end of any run from any place', () => {
    const byte = fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...encodeText('azAZ09-_')) }, fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 200 }), fc.nat(200), (all, place) => {
        const bytes = Uint8Array.from(all);
        const from = Math.min(place, bytes.length);
        expect(runs(bytes)(from)).toBe(expectedEnd(bytes, from));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([0, 1, MEMORY - 1, MEMORY, MEMORY + 1])('takes %i bytes', (length) => {
    const bytes = new Uint8Array(length).fill(65);
    expect(runs(bytes)(0)).toBe(length);
  });

  test('sees nothing of the bytes that it was asked of before', () => {
    runs(encodeText('a'.repeat(64)));
    expect(runs(encodeText('aa'))(0)).toBe(2);
  });
});

test('the text is what the source assembles to', async () => {
  const assembler = await wabt();
  const source = readFileSync(resolve(WIRE, 'base64urlScan.wat'), 'utf8');
  const { buffer } = assembler.parseWat('base64urlScan.wat', source, { simd: true }).toBinary({});
  const text = readFileSync(resolve(WIRE, 'encoding.ts'), 'utf8');
  const [, literal = ''] = /const WASM_BASE64URL =\n((?: {2}'[\w-]+'(?: \+\n|;\n))+)/.exec(text) ?? [];
  expect(literal.replace(/[^\w-]/g, '')).toBe(Buffer.from(buffer).toString('base64url'));
});

describe('without WebAssembly', () => {
  const all = globalThis as { WebAssembly?: unknown };
  const { WebAssembly } = all;
  const requested = jest.fn();

  afterEach(() => {
    all.WebAssembly = WebAssembly;
  });

  test.each([
    ['without WebAssembly', undefined, 0],
    [
      'if a policy forbids it',
      {
        Module: function () {
          requested();
          throw new Error('refused');
        },
      },
      1,
    ],
  ])('it does the same, %s', async (_where, replaced, times) => {
    all.WebAssembly = replaced;
    requested.mockClear();
    jest.resetModules();
    const reloaded = await import('../../../streams/wire/encoding.js');
    expect(reloaded.base64urlScanner(encodeText(`${'a'.repeat(40)}=`))(0)).toBe(40);
    expect(requested).toHaveBeenCalledTimes(times);
  });
});
