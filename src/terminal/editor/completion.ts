import { type Draft, createDraft, wordStart } from './draft.js';

/**
 * Returns completions of the word before the cursor, the best first. `before` is the text before that word.
 */
export type Complete = (word: string, before: string) => readonly string[];

/** Completions that the Tab key offers in turn. */
export interface Completion {
  readonly choices: readonly string[];
  readonly index: number;
  /** Index in the text at which they are inserted. */
  readonly from: number;
  readonly to: number;
}

const NO_SPACE = /\S/;

/**
 * Replaces the word by another choice, or returns `undefined` if there are no choices. The choice is the next (1) or
 * previous (-1).
 */
export const completeNext = (
  { text, cursor }: Draft,
  complete: Complete,
  current: Completion | undefined,
  by: -1 | 1,
): { readonly draft: Draft; readonly completion: Completion } | undefined => {
  const { choices, from, to } = current ?? choicesAt(text, cursor, complete);
  if (choices.length === 0) return undefined;
  const first = by === 1 ? 0 : choices.length - 1;
  const index = current === undefined ? first : (current.index + by + choices.length) % choices.length;
  const choice = choices[index] ?? '';
  const draft = createDraft(text.slice(0, from) + choice + text.slice(to), from + choice.length);
  return { draft, completion: { choices, index, from, to: from + choice.length } };
};

/** Punctuation before a name, as in `(bob` or `@bob`. */
const PUNCTUATION = /^[^\p{L}\p{N}\p{M}_/]+/u;

const choicesAt = (text: string, cursor: number, complete: Complete): Omit<Completion, 'index'> => {
  const at = (from: number) => ({
    choices: complete(text.slice(from, cursor), text.slice(0, from)),
    from,
    to: cursor,
  });
  const from = wordStartBefore(text, cursor);
  const whole = at(from);
  const { length } = PUNCTUATION.exec(text.slice(from, cursor))?.[0] ?? '';
  return whole.choices.length > 0 || length === 0 ? whole : at(from + length);
};

const wordStartBefore = (text: string, cursor: number): number =>
  /\s$/.test(text.slice(0, cursor)) ? cursor : wordStart(text, cursor, NO_SPACE);
