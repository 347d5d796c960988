import { type Draft, createDraft } from './draft.js';

/** Entered texts, and the position of the user among them. */
export interface EditorHistory {
  /** Entries, oldest first. */
  readonly entries: readonly string[];
  /** Index of the entry that is shown; the number of entries if none is. */
  readonly index: number;
  /** Draft to which the user can return from the history. */
  readonly savedDraft: Draft | undefined;
}

/** Maximum number of entries. */
const HISTORY_LIMIT = 1000;

/** Creates a history that shows no entry. Keeps the newest entries. */
export const createHistory = (entries: readonly string[]): EditorHistory => {
  const newestEntries = entries.slice(-HISTORY_LIMIT);
  return { entries: newestEntries, index: newestEntries.length, savedDraft: undefined };
};

/** Adds an entry, unless it equals the newest, and moves to the end. */
export const addToHistory = ({ entries }: EditorHistory, entry: string): EditorHistory =>
  createHistory(entry === '' || entry === entries.at(-1) ? entries : [...entries, entry]);

/**
 * Moves by a number of entries, or returns `undefined` if it is at the end already. Negative numbers move
 * back. Returns the new position and its draft.
 */
export const moveInHistory = (
  history: EditorHistory,
  by: number,
  draft: Draft,
): { readonly history: EditorHistory; readonly draft: Draft } | undefined => {
  const index = Math.min(Math.max(history.index + by, 0), history.entries.length);
  if (index === history.index) return undefined;
  const savedDraft = history.index === history.entries.length ? draft : history.savedDraft;
  const entry = history.entries[index];
  return {
    history: { ...history, index, savedDraft },
    draft: entry === undefined ? (savedDraft ?? createDraft('')) : createDraft(entry),
  };
};

/** Search through the history, in progress. */
export interface Search {
  readonly query: string;
  /** Index of the entry that was found; `undefined` if no entry matched yet. */
  readonly index: number | undefined;
  /** Whether no other entry matches. */
  readonly hasFailed: boolean;
}

/**
 * Returns the nearest matching entry, or `undefined` if no entry matches. Searches back (-1) or forward (1) from
 * `from` on.
 */
const findNearest = (
  entries: readonly string[],
  query: string,
  from: number,
  by: -1 | 1,
): number | undefined => {
  for (let at = from; at >= 0 && at < entries.length; at += by)
    if (entries[at]?.includes(query) === true) return at;
  return undefined;
};

/** Returns a search whose query is still empty. */
export const startSearch = (): Search => ({ query: '', index: undefined, hasFailed: false });

/** Changes the query. Keeps the entry that was found if it matches the new query. */
export const searchFor = (entries: readonly string[], search: Search, query: string): Search => {
  if (query === '') return startSearch();
  const longer = query.startsWith(search.query);
  const at = findNearest(
    entries,
    query,
    longer ? (search.index ?? entries.length - 1) : entries.length - 1,
    -1,
  );
  return { query, index: at ?? search.index, hasFailed: at === undefined };
};

/** Moves to the next match, back (-1) or forward (1). */
export const searchNext = (entries: readonly string[], search: Search, by: -1 | 1): Search => {
  if (search.query === '') return search;
  const at = findNearest(entries, search.query, (search.index ?? entries.length) + by, by);
  return { ...search, index: at ?? search.index, hasFailed: at === undefined };
};

/** Returns the cursor position in an entry: after the match. */
export const afterMatch = (entry: string, query: string): number => {
  const at = entry.indexOf(query);
  return at === -1 ? 0 : at + query.length;
};
