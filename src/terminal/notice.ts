import { type Visible, visible } from './visible.js';

/** How a terminal is asked to show a notice on the desktop: by OSC 9 (iTerm2 and others), or OSC 777 (urxvt and others). */
export type Notices = 'off' | 'osc9' | 'osc777';

/** More characters than a notice shows. */
const NOTICE_LIMIT = 200;

/** Rings the bell of the terminal. */
export const ring = (): void => {
  process.stdout.write('\x07');
};

/**
 * Has the terminal show a notice. Text of others is made visible, cut, and has no `;`, which would end it for OSC 777.
 */
export const notify = (kind: Notices, title: string, text: string): void => {
  if (kind === 'off') return;
  const sequence = noticeText(kind, title, text);
  process.stdout.write((process.env['TMUX'] ?? '') === '' ? sequence : throughTmux(sequence));
};

/** A sequence that tmux passes on to the terminal that it is in, if it is allowed to (`allow-passthrough`). */
export const throughTmux = (sequence: string): string =>
  `\x1bPtmux;${sequence.replaceAll('\x1b', '\x1b\x1b')}\x1b\\`;

/** What is written for a notice. */
export const noticeText = (kind: Exclude<Notices, 'off'>, title: string, text: string): string => {
  const field = (each: string): Visible => visible(each.replaceAll(';', ','), NOTICE_LIMIT);
  return kind === 'osc9'
    ? `\x1b]9;${field(`${title}: ${text}`)}\x07`
    : `\x1b]777;notify;${field(title)};${field(text)}\x07`;
};
