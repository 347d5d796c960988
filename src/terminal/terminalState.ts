/**
 * Whether a terminal of this `TERM` can draw an input line. An unset `TERM`, as on Windows, counts as yes.
 */
export const isDrawable = (term: string | undefined): boolean =>
  term === undefined || !['', 'dumb', 'unknown'].includes(term);

/** Whether this process can show an input line: input and output are a terminal that can draw it. */
export const isInteractive = (): boolean =>
  process.stdin.isTTY && process.stdout.isTTY && isDrawable(process.env['TERM']);

/** Whether another program uses the terminal. Keys such as Ctrl-C are then meant for that program. */
let isLeased = false;

/** Whether another program uses the terminal. */
export const isTerminalLeased = (): boolean => isLeased;

/** Records whether another program uses the terminal. */
export const setTerminalLeased = (value: boolean): void => {
  isLeased = value;
};
