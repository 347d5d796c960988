import { segmentGraphemes } from '../../../text/unicode.js';

/** Measures the encoded size of texts against a limit, in bytes. */
export interface TextMeasure {
  readonly limitBytes: number;
  /** Returns the size of a whole text in bytes. */
  readonly sizeOf: (text: string) => number;
  /** Returns the size of a character in bytes. */
  readonly sizeOfCharacter: (codePoint: number) => number;
}

const utf8Size = (codePoint: number): number => {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
};

/** Measures texts that are sent as UTF-8. */
export const utf8Measure = (limitBytes: number): TextMeasure => ({
  limitBytes,
  sizeOf: (text) => Buffer.byteLength(text),
  sizeOfCharacter: utf8Size,
});

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** Bytes for the quotes of a text and the comma after it. */
export const JSON_OVERHEAD_BYTES = 3;

/** Measures texts that are sent as JSON strings. */
export const jsonMeasure = (limitBytes: number): TextMeasure => ({
  limitBytes,
  sizeOf: (text) =>
    PLAIN.test(text)
      ? text.length + JSON_OVERHEAD_BYTES
      : Buffer.byteLength(JSON.stringify(text)) + JSON_OVERHEAD_BYTES - 2,
  sizeOfCharacter: (codePoint) => {
    if (codePoint === 0x22 || codePoint === 0x5c) return 2;
    if (codePoint < 0x20) return JSON.stringify(String.fromCodePoint(codePoint)).length - 2;
    return utf8Size(codePoint);
  },
});

/**
 * Maximum length of a grapheme, in UTF-16 code units. A longer grapheme may be cut between its characters.
 */
const MAX_GRAPHEME_LENGTH = 1024;

/**
 * Returns the longest prefix of a text that fits. Cuts between graphemes, or between characters if a grapheme
 * is unusually long.
 */
export const truncateToFit = (text: string, { limitBytes, sizeOf, sizeOfCharacter }: TextMeasure): string => {
  if (sizeOf(text) <= limitBytes) return text;
  let bytes = sizeOf('');
  let end = 0;
  for (const character of text) {
    bytes += sizeOfCharacter(character.codePointAt(0) ?? 0);
    // Always takes at least a character, so that the rest gets shorter.
    if (bytes > limitBytes && end > 0) break;
    end += character.length;
  }
  const from = Math.max(0, end - MAX_GRAPHEME_LENGTH);
  const start =
    segmentGraphemes(text.slice(from, end + MAX_GRAPHEME_LENGTH)).containing(end - from)?.index ?? 0;
  return start > 0 ? text.slice(0, from + start) : text.slice(0, end);
};
