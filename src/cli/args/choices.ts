/*
 * Choices of flags, the default first. The flag parsers, the help and the completions share them.
 */

/** The wire protocols. */
export const WIRES = ['rxchat/1', 'classic'] as const;

/** The implementations of the cipher. */
export const FERNET_ENGINES = ['node', 'fernet'] as const;

/** When an entry counts as stored. */
export const DURABILITIES = ['disk', 'os', 'memory'] as const;

/** When an entry counts as stored in a store that several relays share. */
export const STORE_DURABILITIES = ['os', 'disk'] as const;

/** The least severe level that a relay logs. */
export const LOG_LEVELS = ['warn', 'silent', 'error', 'info', 'debug', 'trace'] as const;

/** How a relay writes its log. */
export const LOG_FORMATS = ['json', 'pretty'] as const;

/** Which lines to drop if too many wait. */
export const DROP_POLICIES = ['oldest', 'newest'] as const;

/** What to do with messages under a nick whose key has changed. */
export const KEY_CHANGE_POLICIES = ['mark', 'skip', 'end'] as const;

/** What to do with a line that is too long for a message. */
export const LONG_LINE_POLICIES = ['end', 'cut', 'split', 'skip'] as const;

/** When to ring the terminal bell. */
export const BELL_MODES = ['mention', 'off', 'all'] as const;

/** The sequence for desktop notifications. */
export const NOTIFY_MODES = ['off', 'osc9', 'osc777'] as const;

/** The shells that have completions. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** Name of a wire protocol. */
export type Wire = (typeof WIRES)[number];

/** The least severe level of a log. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Format of a log. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Name of a shell. */
export type Shell = (typeof SHELLS)[number];
