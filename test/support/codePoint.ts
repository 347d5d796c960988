import fc from 'fast-check';

const SURROGATES_FROM = 0xd800;
const SURROGATES = 0x800;
const CODE_POINTS = 0x110000 - SURROGATES;

/**
 * One code point without surrogates, for `fc.string({ unit: codePoint })`.
 *
 * It generates the same characters as the unit `binary` of fast-check. That unit maps all 1 112 064 characters to
 * numbers when a string is defined, which costs each test file 2 s and 100 MB.
 */
export const codePoint: fc.Arbitrary<string> = fc.nat(CODE_POINTS - 1).map(
  (n) => String.fromCodePoint(n < SURROGATES_FROM ? n : n + SURROGATES),
  (value) => {
    const code = typeof value === 'string' ? value.codePointAt(0) : undefined;
    if (code === undefined || value !== String.fromCodePoint(code)) throw new Error('not one code point');
    if (code >= SURROGATES_FROM && code < SURROGATES_FROM + SURROGATES) throw new Error('a surrogate');
    return code < SURROGATES_FROM ? code : code - SURROGATES;
  },
);
