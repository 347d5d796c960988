import { type Draft, DRAFT_LIMIT } from './draft.js';

/** A paste that is asked about before anything is done with it. */
export interface Question {
  readonly pasted: string;
  readonly lines: number;
  /** How many messages its lines would be, with the draft around them. */
  readonly messages: readonly string[];
  /** Whether there is room for it in the draft; otherwise it is too long for one message, too. */
  readonly fits: boolean;
  /** Whether its end did not come. */
  readonly unfinished: boolean;
}

/** What may go into the draft unasked. */
const LINES = 5;
const BYTES = 4096;

/** As text: line ends are `\n`, and that at its end, which was hardly meant, is not taken. */
export const pastedText = (text: string): string =>
  text.replaceAll(/\r\n?/g, '\n').replaceAll('\0', '').replace(/\n$/, '');

/** What to ask about a paste, always if its end did not come; `undefined`: it goes into the draft. */
export const questionOf = (
  draft: Draft,
  pasted: string,
  literal: (line: string) => string,
  unfinished = false,
): Question | undefined => {
  const lines = pasted.split('\n').length;
  if (!unfinished && lines <= LINES && Buffer.byteLength(pasted) <= BYTES) return undefined;
  return {
    pasted,
    lines,
    messages: messagesOf(draft, pasted, literal),
    fits: draft.text.length + pasted.length <= DRAFT_LIMIT,
    unfinished,
  };
};

/** All as one message. */
export const oneBlock = (draft: Draft, pasted: string, literal: (line: string) => string): string => {
  const head = draft.text.slice(0, draft.cursor);
  return (head === '' ? literal(pasted) : head + pasted) + draft.text.slice(draft.cursor);
};

const messagesOf = (draft: Draft, pasted: string, literal: (line: string) => string): readonly string[] => {
  const { text, cursor } = draft;
  const [first = '', ...others] = pasted.split('\n');
  const head = text.slice(0, cursor);
  const all = [head === '' ? literal(first) : head + first, ...others.map(literal)];
  const last = all.pop() ?? '';
  return [...all, last + text.slice(cursor)].filter((line) => line.trim() !== '');
};
