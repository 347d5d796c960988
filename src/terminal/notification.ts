import { type SafeText, sanitize } from '../text/sanitize.js';

/** Sequence for desktop notifications: OSC 9 (iTerm2 and others) or OSC 777 (urxvt and others). */
export type NotifyMode = 'off' | 'osc9' | 'osc777';

/** Maximum length of a notification text, more than a desktop shows. */
const NOTIFICATION_LIMIT = 200;

/** Rings the terminal bell. */
export const ringBell = (): void => {
  process.stdout.write('\x07');
};

/**
 * Shows a desktop notification through the terminal. Text of other users is sanitized, cut, and freed from
 * `;`, which would end it in OSC 777.
 */
export const showNotification = (mode: NotifyMode, title: string, text: string): void => {
  if (mode === 'off') return;
  const sequence = notificationSequence(mode, title, text);
  process.stdout.write((process.env['TMUX'] ?? '') === '' ? sequence : wrapForTmux(sequence));
};

/**
 * Wraps a sequence so that tmux passes it to its outer terminal. tmux does so only if `allow-passthrough` is
 * on.
 */
export const wrapForTmux = (sequence: string): string =>
  `\x1bPtmux;${sequence.replaceAll('\x1b', '\x1b\x1b')}\x1b\\`;

/** Returns the sequence that shows a notification. */
export const notificationSequence = (
  mode: Exclude<NotifyMode, 'off'>,
  title: string,
  text: string,
): string => {
  const field = (each: string): SafeText => sanitize(each.replaceAll(';', ','), NOTIFICATION_LIMIT);
  return mode === 'osc9'
    ? `\x1b]9;${field(`${title}: ${text}`)}\x07`
    : `\x1b]777;notify;${field(title)};${field(text)}\x07`;
};
