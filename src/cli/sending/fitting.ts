import { graphemesOf } from '../../terminal/graphemes.js';

/** How many bytes a text takes where it is sent, and the most that it may take. */
export interface Measure {
  readonly limit: number;
  /** Of a whole text. */
  readonly bytesOf: (text: string) => number;
  /** Of a character of it. */
  readonly bytesOfCharacter: (codePoint: number) => number;
}

const utf8BytesOf = (codePoint: number): number => {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
};

/** Texts that are sent as they are, in UTF-8. */
export const asUtf8 = (limit: number): Measure => ({
  limit,
  bytesOf: (text) => Buffer.byteLength(text),
  bytesOfCharacter: utf8BytesOf,
});

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** The quotes of a text, and the comma behind it. */
export const AROUND = 3;

/** Texts that are sent as strings of JSON. */
export const asJson = (limit: number): Measure => ({
  limit,
  bytesOf: (text) =>
    PLAIN.test(text) ? text.length + AROUND : Buffer.byteLength(JSON.stringify(text)) + AROUND - 2,
  bytesOfCharacter: (codePoint) => {
    if (codePoint === 0x22 || codePoint === 0x5c) return 2;
    if (codePoint < 0x20) return JSON.stringify(String.fromCodePoint(codePoint)).length - 2;
    return utf8BytesOf(codePoint);
  },
});

/** A grapheme that is longer, in UTF-16 code units, is cut between its characters. */
const LONGEST_GRAPHEME = 1024;

/** The longest beginning of a text that fits: whole characters, and whole graphemes where these are of usual length. */
export const fittingStart = (text: string, { limit, bytesOf, bytesOfCharacter }: Measure): string => {
  if (bytesOf(text) <= limit) return text;
  let bytes = bytesOf('');
  let end = 0;
  for (const character of text) {
    bytes += bytesOfCharacter(character.codePointAt(0) ?? 0);
    // A character at least, whatever the limit is: what is left has to become shorter.
    if (bytes > limit && end > 0) break;
    end += character.length;
  }
  const from = Math.max(0, end - LONGEST_GRAPHEME);
  const start = graphemesOf(text.slice(from, end + LONGEST_GRAPHEME)).containing(end - from)?.index ?? 0;
  return start > 0 ? text.slice(0, from + start) : text.slice(0, end);
};
