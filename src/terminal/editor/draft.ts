import { segmentGraphemes } from '../../text/unicode.js';
import { textWidth } from '../../text/cells.js';

/** Text that the user is writing. */
export interface Draft {
  readonly text: string;
  /** Position of the cursor: an index into the text (UTF-16 code units), between two graphemes. */
  readonly cursor: number;
}

/** Maximum length of a draft, in UTF-16 code units: twice that of a message. */
const DRAFT_LIMIT = 65_536;

/** Draft without text. */
export const EMPTY_DRAFT: Draft = { text: '', cursor: 0 };

/** Returns the first grapheme boundary at or after an index. */
const graphemeBoundary = (text: string, at: number): number => {
  if (at <= 0) return 0;
  if (at >= text.length) return text.length;
  const { index, segment } = segmentGraphemes(text).containing(at) ?? { index: at, segment: '' };
  return index === at ? at : index + segment.length;
};

/** Creates a draft with the cursor at an index, moved to a grapheme boundary. */
export const createDraft = (text: string, cursor: number = text.length): Draft => ({
  text,
  cursor: graphemeBoundary(text, cursor),
});

/** Returns the start of the grapheme before an index. */
export const previousGrapheme = (text: string, at: number): number =>
  at <= 0 ? 0 : (segmentGraphemes(text).containing(at - 1)?.index ?? 0);

/** Returns the end of the grapheme at an index. */
export const nextGrapheme = (text: string, at: number): number => {
  const found = segmentGraphemes(text).containing(at);
  return found === undefined ? text.length : found.index + found.segment.length;
};

/** Moves the cursor to an index, or to the grapheme boundary after it. */
export const moveCursor = (draft: Draft, cursor: number): Draft => createDraft(draft.text, cursor);

/** Inserts as much of a text at the cursor as fits. */
export const insertText = ({ text, cursor }: Draft, more: string): Draft => {
  const room = Math.max(0, DRAFT_LIMIT - text.length);
  const taken = more.length <= room ? more : more.slice(0, room).replace(/[\ud800-\udbff]$/, '');
  return createDraft(text.slice(0, cursor) + taken + text.slice(cursor), cursor + taken.length);
};

/** Removes the text between two indices and moves the cursor there. */
export const removeRange = ({ text }: Draft, from: number, to: number): Draft =>
  createDraft(text.slice(0, from) + text.slice(to), from);

const WORD = /[\p{L}\p{N}\p{M}_]/u;

const graphemesIn = (text: string): string[] => Array.from(segmentGraphemes(text), ({ segment }) => segment);

/** Returns the length of the leading non-word pieces and the word after them. */
const reach = (all: readonly string[], isWord: RegExp): number => {
  const word = all.findIndex((each) => isWord.test(each));
  if (word === -1) return all.join('').length;
  const end = all.findIndex((each, at) => at > word && !isWord.test(each));
  return all.slice(0, end === -1 ? all.length : end).join('').length;
};

/** Returns the end of the word at or after an index. */
export const wordEnd = (text: string, from: number): number =>
  from + reach(graphemesIn(text.slice(from)), WORD);

/** Returns the start of the word at or before an index. */
export const wordStart = (text: string, from: number, isWord: RegExp = WORD): number =>
  from - reach(graphemesIn(text.slice(0, from)).reverse(), isWord);

/** Returns the start of the line at an index. */
export const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;

/** Returns the end of the line at an index. */
export const lineEnd = (text: string, at: number): number => {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
};

/** Returns the distance, in cells, of the cursor from the start of its line. */
export const columnOf = ({ text, cursor }: Draft): number =>
  textWidth(text.slice(lineStart(text, cursor), cursor));

/**
 * Moves the cursor a line up (-1) or down (1), close to a column. Returns `undefined` if there is no such
 * line.
 */
export const moveVertically = (draft: Draft, by: -1 | 1, column: number): Draft | undefined => {
  const { text, cursor } = draft;
  const next = by === -1 ? lineStart(text, cursor) - 1 : lineEnd(text, cursor) + 1;
  if (next < 0 || next > text.length) return undefined;
  const end = lineEnd(text, by === -1 ? lineStart(text, next) : next);
  const start = lineStart(text, next);
  let at = start;
  let used = 0;
  for (const grapheme of graphemesIn(text.slice(start, end))) {
    used += textWidth(grapheme);
    if (used > column) break;
    at += grapheme.length;
  }
  return moveCursor(draft, at);
};

/** Swaps the graphemes before and at the cursor; at the end of a line, the two before it. */
export const transpose = (draft: Draft): Draft => {
  const { text, cursor } = draft;
  const at = cursor === lineEnd(text, cursor) ? previousGrapheme(text, cursor) : cursor;
  const from = previousGrapheme(text, at);
  const to = nextGrapheme(text, at);
  if (at <= lineStart(text, cursor) || to === at) return draft;
  return createDraft(text.slice(0, from) + text.slice(at, to) + text.slice(from, at) + text.slice(to), to);
};

/** Paste that the user has to confirm before it is used. */
export interface PasteQuestion {
  readonly pasted: string;
  readonly lines: number;
  /** Messages that its lines would become, including the draft around them. */
  readonly messages: readonly string[];
  /** Whether it fits in the draft. If not, it is also too long for a message. */
  readonly fitsDraft: boolean;
  /** Whether the end mark of the paste is missing. */
  readonly isUnfinished: boolean;
}

/** Maximum size, in lines and bytes, of a paste that is inserted without a question. */
const MAX_LINES = 5;
const MAX_BYTES = 4096;

/** Normalizes a paste: line ends become `\n`, and a line end at its end is removed as unintended. */
export const normalizePaste = (text: string): string =>
  text.replaceAll(/\r\n?/g, '\n').replaceAll('\0', '').replace(/\n$/, '');

/**
 * Returns the question about a paste, or `undefined` if it needs none. A paste without its end mark always
 * needs a question.
 */
export const pasteQuestion = (
  draft: Draft,
  pasted: string,
  escapeCommand: (line: string) => string,
  unfinished = false,
): PasteQuestion | undefined => {
  const lines = pasted.split('\n').length;
  if (!unfinished && lines <= MAX_LINES && Buffer.byteLength(pasted) <= MAX_BYTES) return undefined;
  return {
    pasted,
    lines,
    messages: splitPaste(draft, pasted, escapeCommand),
    fitsDraft: draft.text.length + pasted.length <= DRAFT_LIMIT,
    isUnfinished: unfinished,
  };
};

/** Joins the draft and the paste to a single message. */
export const joinPaste = (draft: Draft, pasted: string, escapeCommand: (line: string) => string): string => {
  const head = draft.text.slice(0, draft.cursor);
  return (head === '' ? escapeCommand(pasted) : head + pasted) + draft.text.slice(draft.cursor);
};

const splitPaste = (
  draft: Draft,
  pasted: string,
  escapeCommand: (line: string) => string,
): readonly string[] => {
  const { text, cursor } = draft;
  const [first = '', ...others] = pasted.split('\n');
  const head = text.slice(0, cursor);
  const all = [head === '' ? escapeCommand(first) : head + first, ...others.map(escapeCommand)];
  const last = all.pop() ?? '';
  return [...all, last + text.slice(cursor)].filter((line) => line.trim() !== '');
};
