import { encodeText } from '../../streams/wire/index.js';
import { graphemesOf } from './graphemes.js';

declare const visibleBrand: unique symbol;

/** Text that may reach a terminal. Only the functions of this file make it, and whatever writes to one demands it. */
export type Visible = string & { readonly [visibleBrand]: true };

/** More characters than any honest message has: only what grew by being made visible is longer. */
export const VISIBLE_LIMIT = 65_536;

/** A nick has at most 32 characters; each can grow a little. */
const NICK_VISIBLE_LIMIT = 64;

/** What kills the vowel of the letter before it, in the scripts of India and around it. */
const VIRAMA =
  '[\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d3b\\u0d3c\\u0d4d\\u0dca\\u1039\\u17d2]';
const ARABIC = '(?:(?=\\p{L})\\p{Script_Extensions=Arabic})';

/** Letters and marks that draw something: the others are spelled out themselves, and carry nothing. */
const LETTER = '(?:(?!\\p{DI})\\p{L})';
const MARK = '(?:(?!\\p{DI})\\p{M})';
const PICTOGRAPH = '\\p{Extended_Pictographic}';

/** What draws nothing by itself and yet belongs where it stands. Everywhere else it could only hide or imitate. */
const BELONGS = [
  // Two pictographs that are one emoji, and the variant of a pictograph or of a key.
  `(?<=${PICTOGRAPH}[\\p{Emoji_Modifier}\\ufe0f]?)\\u200d(?=${PICTOGRAPH})`,
  `(?<=${PICTOGRAPH})[\\ufe0e\\ufe0f]`,
  '(?<=[0-9#*])\\ufe0f(?=\\u20e3)',
  // The joiners of Indic scripts (after RFC 5892, appendix A; and before the virama, as Bengali writes it).
  `(?<=${VIRAMA})[\\u200c\\u200d]`,
  `(?<=${LETTER})\\u200d(?=${VIRAMA})`,
  // Those of Persian and other languages in Arabic letters: within a word, and behind a letter that stands alone.
  `(?<=${ARABIC}${MARK}{0,3})\\u200c(?=${ARABIC})`,
  `(?<=${ARABIC})\\u200d`,
  // The variants of ideographs, and those of Mongolian.
  '(?<=\\p{Ideographic})[\\u{e0100}-\\u{e01ef}]',
  '(?<=(?=\\p{L})\\p{Script=Mongolian})[\\u180b-\\u180d\\u180f]',
  // Signs of Arabic that are formats by their category and can be seen.
  '[\\u0600-\\u0605\\u06dd\\u08e2]',
].join('|');

/** Controls, formats (bidi overrides, zero-width), surrogates, private use, separators of lines, what draws nothing. */
const unsafeExpression = () =>
  new RegExp(
    `(?=[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Default_Ignorable_Code_Point}\\u2028\\u2029])(?!${BELONGS}).`,
    'gsu',
  );
let made: RegExp | undefined;
/** To make it takes a while, and who only starts a command has plain text alone. */
const unsafe = (): RegExp => (made ??= unsafeExpression());

/** What cannot stand in a nick; the rule of the wire (`checkNick`). */
const NOT_IN_NICK = /[\p{Z}\p{Cf}\u2800]/gu;

/** More combining marks on one base than any script needs; joiners between them do not begin another. */
const STACKED_MARKS = /([\p{M}\u200c\u200d]{8})([\p{M}\u200c\u200d]+)/gu;

const PLAIN = /^[\x20-\x7e]*$/;

/**
 * Text of other people as it may reach a terminal: whatever could move the cursor, change colours, reverse or hide
 * text is replaced by something that can be seen (`\x1b` by `␛`). Of more than 8 combining marks on one base, and of
 * more than `limit` characters (UTF-16 code units) in all, the rest is cut and its number stands in its place. What
 * emoji and the scripts of the world need stays. Done twice is as done once.
 */
export const visible = (text: string, limit: number = VISIBLE_LIMIT): Visible =>
  cut(PLAIN.test(text) ? text : safe(text), limit) as Visible;

const safe = (text: string): string => text.replace(STACKED_MARKS, cutMarks).replace(unsafe(), spellOut);

/** The text of a message: as `visible`, but its tabs stay, which move no cursor back. A screen expands them (`expandTabs`). */
export const visibleText = (text: string, limit: number = VISIBLE_LIMIT): Visible =>
  text.includes('\t')
    ? (cut(text.replace(STACKED_MARKS, cutMarks).replace(unsafe(), spellOutButTabs), limit) as Visible)
    : visible(text, limit);

/**
 * The text of a message for the standard input of a command: as `visibleText`, but its line ends stay too, be they `\n` or
 * `\r\n`.
 */
export const visibleInput = (text: string): Visible =>
  stacked(
    text
      .split('\n')
      .map((line) =>
        line.endsWith('\r') ? (`${visibleText(line.slice(0, -1))}\r` as Visible) : visibleText(line),
      ),
  );

/** A nick of other people: as `visible`, and what cannot stand in a nick on the wire, such as a space, is spelled out. */
export const visibleNick = (nick: string): Visible =>
  visible(nick.replace(unsafe(), spellOut).replace(NOT_IN_NICK, spellOut), NICK_VISIBLE_LIMIT);

/** Several nicks, as they are listed. */
export const visibleNicks = (nicks: readonly string[]): Visible => visible(nicks.map(visibleNick).join(', '));

/** A grapheme of a text, and how it may reach a terminal. */
export interface Shown {
  readonly text: string;
  readonly shown: Visible;
}

/** A text by its graphemes, each as `visible` shows it where it stands; nothing of it is cut for being long. */
export const visibleGraphemes = (text: string): readonly Shown[] => {
  if (PLAIN.test(text)) return Array.from(text, (each) => ({ text: each, shown: each as Visible }));
  const spelled = new Map(Array.from(text.matchAll(unsafe()), ({ index, 0: it }) => [index, spellOut(it)]));
  return Array.from(graphemesOf(text), ({ segment, index }) => {
    let at = index;
    let shown = '';
    for (const each of segment) {
      shown += spelled.get(at) ?? each;
      at += each.length;
    }
    return { text: segment, shown: shown.replace(STACKED_MARKS, cutMarks) as Visible };
  });
};

/** A line of the program's own words, and of what others sent in between: that is made visible. */
export const shown = (words: TemplateStringsArray, ...values: readonly (string | number)[]): Visible =>
  String.raw({ raw: words }, ...values.map((value) => visible(String(value)))) as Visible;

/** Lines one below the other. */
export const stacked = (lines: readonly Visible[]): Visible => lines.join('\n') as Visible;

/** Lines as they are written, in UTF-8. */
export type VisibleBytes = Uint8Array & { readonly [visibleBrand]: true };

/** A text, or several lines, with the newline behind it. */
export const bytesOf = (text: Visible): VisibleBytes => encodeText(`${text}\n`) as VisibleBytes;

/** Parts that each may reach a terminal, as one. */
export const joined = (...parts: readonly Visible[]): Visible => parts.join('') as Visible;

/** The same characters in another shape: in rows, with spaces before them, a part of them. */
export const reshaped = (text: Visible, shape: (text: string) => string): Visible => shape(text) as Visible;

/** A text between two SGR sequences (ECMA-48, 8.3.117) of our own: `styled(text, [1], 22)` is bold. */
export const styled = (text: Visible, on: readonly number[], off: number): Visible =>
  `\x1b[${on.map(Number).join(';')}m${text}\x1b[${off}m` as Visible;

/** Sequences of our own that draw and set the terminal (ECMA-48; private modes of DEC and xterm); N stands for a number. */
const CONTROLS = {
  /** The cursor goes up N rows, to the first column, down N rows. */
  up: '\x1b[NA',
  start: '\r',
  down: '\x1b[NB',
  right: '\x1b[NC',
  clearRow: '\x1b[K',
  clearBelow: '\x1b[J',
  clearAll: '\x1b[H\x1b[2J',
  /** The place of the cursor is kept, and gone back to; the terminal is asked for it. */
  save: '\x1b7',
  restore: '\x1b8',
  askCursor: '\x1b[6n',
  /** Whether a row that is too long goes on in the next. */
  wrapOff: '\x1b[?7l',
  wrapOn: '\x1b[?7h',
  /** Whether pastes come between marks, so that they can be told from what is typed. */
  pasteMarksOff: '\x1b[?2004l',
  pasteMarksOn: '\x1b[?2004h',
} as const;

/** One of the sequences that the input line is drawn with. */
export const control = (name: keyof typeof CONTROLS, n = 1): Visible =>
  CONTROLS[name].replace('N', String(Math.floor(n))) as Visible;

/** The program's own words in several lines. */
export const visibleLines = (text: string): Visible => stacked(text.split('\n').map((line) => visible(line)));

/** JSON that may reach a terminal: what `visible` replaces becomes an escape, so that it reads back exactly. */
export const visibleJson = (value: unknown): Visible => escapedJson(JSON.stringify(value));

/** The same for a line of JSON that is written already. */
export const escapedJson = (json: string): Visible =>
  json.replace(unsafe(), (character) =>
    Array.from({ length: character.length }, (_, at) => escapeOf(character.charCodeAt(at))).join(''),
  ) as Visible;

const cutMarks = (_: string, kept: string, rest: string): string => `${kept}[${rest.length} marks cut]`;

const spellOut = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? '\u2421' : `\\u{${code.toString(16)}}`;
};

const spellOutButTabs = (character: string): string => (character === '\t' ? '\t' : spellOut(character));

/** The longest notice, with a number of ten digits. */
const NOTICE_LENGTH = 32;

const cut = (text: string, limit: number): string => {
  if (text.length <= limit) return text;
  // Not within a character, nor behind a joiner that has lost what it joins.
  const kept = text.slice(0, limit - NOTICE_LENGTH).replace(/(?:\u200c|\u200d|[\ud800-\udbff])+$/, '');
  return `${kept}[${text.length - kept.length} characters cut]`;
};

const escapeOf = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
