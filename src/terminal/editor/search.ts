/** A search through what was entered before, as it goes on. */
export interface Search {
  readonly query: string;
  /** Which entry was found; `undefined`: none yet. */
  readonly at: number | undefined;
  /** No other one has it. */
  readonly failed: boolean;
}

/** The nearest entry that has the query: from one on, back (-1) or forth (1). */
const nearest = (entries: readonly string[], query: string, from: number, by: -1 | 1): number | undefined => {
  for (let at = from; at >= 0 && at < entries.length; at += by)
    if (entries[at]?.includes(query) === true) return at;
  return undefined;
};

export const startSearch = (): Search => ({ query: '', at: undefined, failed: false });

/** With another query: what was found stays, if it has that, too. */
export const searchFor = (entries: readonly string[], search: Search, query: string): Search => {
  if (query === '') return startSearch();
  const longer = query.startsWith(search.query);
  const at = nearest(entries, query, longer ? (search.at ?? entries.length - 1) : entries.length - 1, -1);
  return { query, at: at ?? search.at, failed: at === undefined };
};

/** The next one that has the query, back (-1) or forth (1). */
export const searchOn = (entries: readonly string[], search: Search, by: -1 | 1): Search => {
  if (search.query === '') return search;
  const at = nearest(entries, search.query, (search.at ?? entries.length) + by, by);
  return { ...search, at: at ?? search.at, failed: at === undefined };
};

/** Where in an entry the cursor goes: behind what was looked for. */
export const behindMatch = (entry: string, query: string): number => {
  const at = entry.indexOf(query);
  return at === -1 ? 0 : at + query.length;
};
