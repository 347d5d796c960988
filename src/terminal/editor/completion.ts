import { type Draft, draftOf, wordStart } from './draft.js';

/** What the Tab key makes of the word before the cursor, the likeliest first; `before` is what stands before the word. */
export type Complete = (word: string, before: string) => readonly string[];

/** The words that the Tab key offers, one after the other. */
export interface Completion {
  readonly choices: readonly string[];
  readonly which: number;
  /** Where they stand. */
  readonly from: number;
  readonly to: number;
}

const NO_SPACE = /\S/;

/** The next choice (1) or the one before (-1) in the place of the word; `undefined` where there is none. */
export const completed = (
  { text, cursor }: Draft,
  complete: Complete,
  current: Completion | undefined,
  by: -1 | 1,
): { readonly draft: Draft; readonly completion: Completion } | undefined => {
  const { choices, from, to } = current ?? choicesAt(text, cursor, complete);
  if (choices.length === 0) return undefined;
  const first = by === 1 ? 0 : choices.length - 1;
  const which = current === undefined ? first : (current.which + by + choices.length) % choices.length;
  const choice = choices[which] ?? '';
  const draft = draftOf(text.slice(0, from) + choice + text.slice(to), from + choice.length);
  return { draft, completion: { choices, which, from, to: from + choice.length } };
};

/** What may stand before a name, as in `(bob`, `@bob`. */
const PUNCTUATION = /^[^\p{L}\p{N}\p{M}_/]+/u;

const choicesAt = (text: string, cursor: number, complete: Complete): Omit<Completion, 'which'> => {
  const at = (from: number) => ({
    choices: complete(text.slice(from, cursor), text.slice(0, from)),
    from,
    to: cursor,
  });
  const from = wordBefore(text, cursor);
  const whole = at(from);
  const { length } = PUNCTUATION.exec(text.slice(from, cursor))?.[0] ?? '';
  return whole.choices.length > 0 || length === 0 ? whole : at(from + length);
};

const wordBefore = (text: string, cursor: number): number =>
  /\s$/.test(text.slice(0, cursor)) ? cursor : wordStart(text, cursor, NO_SPACE);
