import { type Draft, draftOf } from './draft.js';

/** What was entered before, and where in it one is. */
export interface Past {
  /** From the oldest to the newest. */
  readonly entries: readonly string[];
  /** Which one is in front of the person; as many as there are: none. */
  readonly at: number;
  /** The draft that was left for it. */
  readonly left: Draft | undefined;
}

/** The most entries that are remembered. */
export const HISTORY_LIMIT = 1000;

export const pastOf = (entries: readonly string[]): Past => {
  const newest = entries.slice(-HISTORY_LIMIT);
  return { entries: newest, at: newest.length, left: undefined };
};

/** With one more, unless it is the newest already; and back at the end. */
export const remembered = ({ entries }: Past, entry: string): Past =>
  pastOf(entry === '' || entry === entries.at(-1) ? entries : [...entries, entry]);

/** One entry further back (-1) or forth (1), and the draft there; `undefined` where there is none. */
export const travelled = (
  past: Past,
  by: number,
  draft: Draft,
): { readonly past: Past; readonly draft: Draft } | undefined => {
  const at = Math.min(Math.max(past.at + by, 0), past.entries.length);
  if (at === past.at) return undefined;
  const left = past.at === past.entries.length ? draft : past.left;
  const entry = past.entries[at];
  return {
    past: { ...past, at, left },
    draft: entry === undefined ? (left ?? draftOf('')) : draftOf(entry),
  };
};
