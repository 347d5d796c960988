import { graphemesOf } from '../graphemes.js';
import { width } from '../cells.js';

/** What is being written. */
export interface Draft {
  readonly text: string;
  /** Where the next character goes: an index into the text (UTF-16 code units), between two graphemes. */
  readonly cursor: number;
}

/** The longest draft, in UTF-16 code units: twice what a message holds. */
export const DRAFT_LIMIT = 65_536;

export const EMPTY_DRAFT: Draft = { text: '', cursor: 0 };

/** The first border between graphemes at an index or behind it. */
export const borderFrom = (text: string, at: number): number => {
  if (at <= 0) return 0;
  if (at >= text.length) return text.length;
  const { index, segment } = graphemesOf(text).containing(at) ?? { index: at, segment: '' };
  return index === at ? at : index + segment.length;
};

/** A text with the cursor at an index, or behind the grapheme that it is in. */
export const draftOf = (text: string, cursor: number = text.length): Draft => ({
  text,
  cursor: borderFrom(text, cursor),
});

/** Where the grapheme before an index begins. */
export const before = (text: string, at: number): number =>
  at <= 0 ? 0 : (graphemesOf(text).containing(at - 1)?.index ?? 0);

/** Where the grapheme at an index ends. */
export const after = (text: string, at: number): number => {
  const found = graphemesOf(text).containing(at);
  return found === undefined ? text.length : found.index + found.segment.length;
};

export const moved = (draft: Draft, cursor: number): Draft => draftOf(draft.text, cursor);

/** A text put in at the cursor, as much of it as there is room for. */
export const inserted = ({ text, cursor }: Draft, more: string): Draft => {
  const room = Math.max(0, DRAFT_LIMIT - text.length);
  const taken = more.length <= room ? more : more.slice(0, room).replace(/[\ud800-\udbff]$/, '');
  return draftOf(text.slice(0, cursor) + taken + text.slice(cursor), cursor + taken.length);
};

/** The text without what stands between two indices, and the cursor there. */
export const without = ({ text }: Draft, from: number, to: number): Draft =>
  draftOf(text.slice(0, from) + text.slice(to), from);

const WORD = /[\p{L}\p{N}\p{M}_]/u;

const pieces = (text: string): string[] => Array.from(graphemesOf(text), ({ segment }) => segment);

/** How much of the first pieces are of no word, and then of one. */
const reach = (all: readonly string[], isWord: RegExp): number => {
  const word = all.findIndex((each) => isWord.test(each));
  if (word === -1) return all.join('').length;
  const end = all.findIndex((each, at) => at > word && !isWord.test(each));
  return all.slice(0, end === -1 ? all.length : end).join('').length;
};

/** Where the word at an index, or the next one, ends. */
export const wordEnd = (text: string, from: number): number => from + reach(pieces(text.slice(from)), WORD);

/** Where the word at an index, or the one before, begins. */
export const wordStart = (text: string, from: number, isWord: RegExp = WORD): number =>
  from - reach(pieces(text.slice(0, from)).reverse(), isWord);

/** Where the line at an index begins, and where it ends. */
export const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;
export const lineEnd = (text: string, at: number): number => {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
};

/** How many cells the cursor is from where its line begins. */
export const columnOf = ({ text, cursor }: Draft): number =>
  width(text.slice(lineStart(text, cursor), cursor));

/** The cursor in the line above (-1) or below (1), as near to a column as it can be; `undefined` where there is none. */
export const vertical = (draft: Draft, by: -1 | 1, column: number): Draft | undefined => {
  const { text, cursor } = draft;
  const next = by === -1 ? lineStart(text, cursor) - 1 : lineEnd(text, cursor) + 1;
  if (next < 0 || next > text.length) return undefined;
  const end = lineEnd(text, by === -1 ? lineStart(text, next) : next);
  const start = lineStart(text, next);
  let at = start;
  let used = 0;
  for (const piece of pieces(text.slice(start, end))) {
    used += width(piece);
    if (used > column) break;
    at += piece.length;
  }
  return moved(draft, at);
};

/** The grapheme before the cursor and the one at it in each other's place; at the end of a line the two before it. */
export const transposed = (draft: Draft): Draft => {
  const { text, cursor } = draft;
  const at = cursor === lineEnd(text, cursor) ? before(text, cursor) : cursor;
  const from = before(text, at);
  const to = after(text, at);
  if (at <= lineStart(text, cursor) || to === at) return draft;
  return draftOf(text.slice(0, from) + text.slice(at, to) + text.slice(from, at) + text.slice(to), to);
};
