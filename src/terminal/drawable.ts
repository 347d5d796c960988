/** Whether an input line can be drawn in a terminal of this `TERM`; not given, as on Windows, it can. */
export const isDrawable = (term: string | undefined): boolean =>
  term === undefined || !['', 'dumb', 'unknown'].includes(term);
