import { encodeText } from '../../streams/wire/index.js';
import { segmentGraphemes } from './unicode.js';

declare const safeBrand: unique symbol;

/**
 * Text that is safe to write to a terminal. Only this file creates it, and every writer to a terminal
 * requires it.
 */
export type SafeText = string & { readonly [safeBrand]: true };

/**
 * Maximum length, in UTF-16 code units. Only text that grew by sanitizing is longer than an honest message.
 */
export const TEXT_LIMIT = 65_536;

/** Maximum length of a sanitized nick. A nick has at most 32 characters, and each can grow a little. */
const NICK_LIMIT = 64;

/** Viramas: signs that remove the vowel of the letter before, in the scripts of India and around it. */
const VIRAMAS =
  '[\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d3b\\u0d3c\\u0d4d\\u0dca\\u1039\\u17d2]';
const ARABIC = '(?:(?=\\p{L})\\p{Script_Extensions=Arabic})';

/** Visible letters and marks. Invisible ones are spelled out and cannot carry a mark. */
const LETTER = '(?:(?!\\p{DI})\\p{L})';
const MARK = '(?:(?!\\p{DI})\\p{M})';
const PICTOGRAPH = '\\p{Extended_Pictographic}';

/**
 * Invisible characters, each in the only context that needs it. Elsewhere they could only hide or imitate
 * text.
 */
const ALLOWED_INVISIBLE = [
  // The joiner of two pictographs in an emoji, and the variant selector of a pictograph or keycap.
  `(?<=${PICTOGRAPH}[\\p{Emoji_Modifier}\\ufe0f]?)\\u200d(?=${PICTOGRAPH})`,
  `(?<=${PICTOGRAPH})[\\ufe0e\\ufe0f]`,
  '(?<=[0-9#*])\\ufe0f(?=\\u20e3)',
  // The joiners of Indic scripts (RFC 5892, appendix A; and before the virama, as in Bengali).
  `(?<=${VIRAMAS})[\\u200c\\u200d]`,
  `(?<=${LETTER})\\u200d(?=${VIRAMAS})`,
  // The joiners of Persian and other languages in Arabic script: within a word, and after an isolated letter.
  `(?<=${ARABIC}${MARK}{0,3})\\u200c(?=${ARABIC})`,
  `(?<=${ARABIC})\\u200d`,
  // Variant selectors of ideographs and of Mongolian.
  '(?<=\\p{Ideographic})[\\u{e0100}-\\u{e01ef}]',
  '(?<=(?=\\p{L})\\p{Script=Mongolian})[\\u180b-\\u180d\\u180f]',
  // Arabic signs that are visible, although their category is format.
  '[\\u0600-\\u0605\\u06dd\\u08e2]',
].join('|');

/**
 * Compiles the pattern of unsafe characters: controls, formats (bidi overrides, zero-width), surrogates,
 * private use, line separators, invisible characters.
 */
const compileUnsafe = () =>
  new RegExp(
    `(?=[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Default_Ignorable_Code_Point}\\u2028\\u2029])(?!${ALLOWED_INVISIBLE}).`,
    'gsu',
  );
let unsafePattern: RegExp | undefined;
/** Compiles the pattern on first use. That takes time, and starting a command needs plain text only. */
const unsafe = (): RegExp => (unsafePattern ??= compileUnsafe());

/** Characters that a nick cannot contain, by the rule of the wire (`validateNick`). */
const NOT_IN_NICK = /[\p{Z}\p{Cf}\u2800]/gu;

/** More combining marks on a base than any script needs. A joiner between them does not start a new base. */
const EXCESS_MARKS = /([\p{M}\u200c\u200d]{8})([\p{M}\u200c\u200d]+)/gu;

const PLAIN = /^[\x20-\x7e]*$/;

/**
 * Sanitizes text of other users for a terminal. Replaces what could move the cursor, change colours, reverse
 * or hide text by a visible character (`\x1b` by `␛`).
 *
 * Cuts after 8 combining marks on a base, and after `limit` UTF-16 code units, and shows how much was cut.
 * Emoji and the scripts of the world stay intact. Sanitizing twice changes nothing.
 */
export const sanitize = (text: string, limit: number = TEXT_LIMIT): SafeText =>
  truncate(PLAIN.test(text) ? text : replaceUnsafe(text), limit) as SafeText;

const replaceUnsafe = (text: string): string =>
  text.replace(EXCESS_MARKS, cutMarks).replace(unsafe(), spellOut);

/**
 * Sanitizes the text of a message: like `sanitize`, but keeps tabs, which never move the cursor back. A
 * screen expands them (`expandTabs`).
 */
export const sanitizeMessage = (text: string, limit: number = TEXT_LIMIT): SafeText =>
  text.includes('\t')
    ? (truncate(text.replace(EXCESS_MARKS, cutMarks).replace(unsafe(), spellOutButTabs), limit) as SafeText)
    : sanitize(text, limit);

/**
 * Sanitizes the text of a message for the standard input of a command. Like `sanitizeMessage`, but keeps line
 * ends, `\n` or `\r\n`.
 */
export const sanitizeInput = (text: string): SafeText =>
  joinLines(
    text
      .split('\n')
      .map((line) =>
        line.endsWith('\r') ? (`${sanitizeMessage(line.slice(0, -1))}\r` as SafeText) : sanitizeMessage(line),
      ),
  );

/**
 * Sanitizes a nick: like `sanitize`, but also spells out characters that a nick cannot contain, such as
 * spaces.
 */
export const sanitizeNick = (nick: string): SafeText =>
  sanitize(nick.replace(unsafe(), spellOut).replace(NOT_IN_NICK, spellOut), NICK_LIMIT);

/** Formats several nicks as a list. */
export const sanitizeNicks = (nicks: readonly string[]): SafeText =>
  sanitize(nicks.map(sanitizeNick).join(', '));

/** Grapheme of a text, and its sanitized form. */
export interface SafeGrapheme {
  readonly text: string;
  readonly safe: SafeText;
}

/** Splits a text into graphemes, each sanitized as in its context. Does not limit the length. */
export const sanitizeGraphemes = (text: string): readonly SafeGrapheme[] => {
  if (PLAIN.test(text)) return Array.from(text, (each) => ({ text: each, safe: each as SafeText }));
  const spelled = new Map(Array.from(text.matchAll(unsafe()), ({ index, 0: it }) => [index, spellOut(it)]));
  return Array.from(segmentGraphemes(text), ({ segment, index }) => {
    let at = index;
    let result = '';
    for (const each of segment) {
      result += spelled.get(at) ?? each;
      at += each.length;
    }
    return { text: segment, safe: result.replace(EXCESS_MARKS, cutMarks) as SafeText };
  });
};

/**
 * Builds a line from a template. Sanitizes the values, which may come from other users, but not the template.
 */
export const safe = (words: TemplateStringsArray, ...values: readonly (string | number)[]): SafeText =>
  String.raw({ raw: words }, ...values.map((value) => sanitize(String(value)))) as SafeText;

/** Joins lines with line breaks. */
export const joinLines = (lines: readonly SafeText[]): SafeText => lines.join('\n') as SafeText;

/** Safe text encoded as UTF-8. */
export type SafeBytes = Uint8Array & { readonly [safeBrand]: true };

/** Encodes a text, with a newline at its end. */
export const encodeSafe = (text: SafeText): SafeBytes => encodeText(`${text}\n`) as SafeBytes;

/** Concatenates safe texts. */
export const concatText = (...parts: readonly SafeText[]): SafeText => parts.join('') as SafeText;

/** Transforms a safe text by a function that only wraps, indents or cuts it. */
export const mapText = (text: SafeText, change: (text: string) => string): SafeText =>
  change(text) as SafeText;

/** Puts a text between two SGR sequences (ECMA-48, 8.3.117): `styleText(text, [1], 22)` is bold. */
export const styleText = (text: SafeText, on: readonly number[], off: number): SafeText =>
  `\x1b[${on.map(Number).join(';')}m${text}\x1b[${off}m` as SafeText;

/**
 * Sequences that draw on and configure the terminal (ECMA-48; private modes of DEC and xterm). N is a number.
 */
const CONTROL_SEQUENCES = {
  /** Move the cursor up N rows, to the first column, down N rows. */
  up: '\x1b[NA',
  start: '\r',
  down: '\x1b[NB',
  right: '\x1b[NC',
  clearRow: '\x1b[K',
  clearBelow: '\x1b[J',
  clearAll: '\x1b[H\x1b[2J',
  /** Save and restore the cursor position; ask the terminal for it. */
  save: '\x1b7',
  restore: '\x1b8',
  askCursor: '\x1b[6n',
  /** Whether the terminal wraps a row that is too long. */
  wrapOff: '\x1b[?7l',
  wrapOn: '\x1b[?7h',
  /** Whether the terminal marks pastes, so that they can be distinguished from typing. */
  pasteMarksOff: '\x1b[?2004l',
  pasteMarksOn: '\x1b[?2004h',
} as const;

/** Returns a control sequence of the input line. */
export const controlSequence = (name: keyof typeof CONTROL_SEQUENCES, n = 1): SafeText =>
  CONTROL_SEQUENCES[name].replace('N', String(Math.floor(n))) as SafeText;

/** Sanitizes several lines of the program's own text. */
export const sanitizeLines = (text: string): SafeText =>
  joinLines(text.split('\n').map((line) => sanitize(line)));

/**
 * Formats a value as JSON for a terminal. Escapes what `sanitize` would replace, so that parsing gives the
 * same value.
 */
export const safeJson = (value: unknown): SafeText => escapeJson(JSON.stringify(value));

/** Escapes a line of JSON for a terminal, as `safeJson` does. */
export const escapeJson = (json: string): SafeText =>
  json.replace(unsafe(), (character) =>
    Array.from({ length: character.length }, (_, index) => escapeOf(character.charCodeAt(index))).join(''),
  ) as SafeText;

const cutMarks = (_: string, start: string, rest: string): string => `${start}[${rest.length} marks cut]`;

const spellOut = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? '\u2421' : `\\u{${code.toString(16)}}`;
};

const spellOutButTabs = (character: string): string => (character === '\t' ? '\t' : spellOut(character));

/** Length of the longest notice of a cut, with a number of ten digits. */
const CUT_NOTICE_LENGTH = 32;

const truncate = (text: string, limit: number): string => {
  if (text.length <= limit) return text;
  // Does not cut within a character, or after a joiner that would have nothing to join.
  const start = text.slice(0, limit - CUT_NOTICE_LENGTH).replace(/(?:\u200c|\u200d|[\ud800-\udbff])+$/, '');
  return `${start}[${text.length - start.length} characters cut]`;
};

const escapeOf = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
