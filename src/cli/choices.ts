/*
 * The words that some flags are one of, the usual one first: for what reads the flags, for their help and for the
 * completions.
 */

export const WIRES = ['rxchat/1', 'classic'] as const;

export const FERNET_ENGINES = ['node', 'fernet'] as const;

export const DURABILITIES = ['disk', 'os', 'memory'] as const;

export const LOG_LEVELS = ['warn', 'silent', 'error', 'info', 'debug', 'trace'] as const;

export const DROPPED = ['oldest', 'newest'] as const;

/** What becomes of messages under a nick that is known with another key. */
export const KEY_CHANGES = ['mark', 'skip', 'end'] as const;

/** What becomes of a line that is too long for a message. */
export const LONG = ['end', 'cut', 'split', 'skip'] as const;

/** When the bell of the terminal rings, and how it is to show a notice. */
export const BELLS = ['mention', 'off', 'all'] as const;

export const NOTICES = ['off', 'osc9', 'osc777'] as const;

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** The name of a wire. */
export type Wire = (typeof WIRES)[number];

export type Shell = (typeof SHELLS)[number];
