import {
  type Act,
  fitsInMessage,
  MAX_MESSAGE_BYTES,
  type OutgoingMessage,
} from '../../streams/client/index.js';
import { segmentGraphemes } from '../text/unicode.js';
import { sanitize } from '../text/sanitize.js';

/**
 * Returns the longest start of a text that fits into a message. It is at least one character, and whole
 * graphemes if one fits.
 */
const longestFit = (text: string): string => {
  let low = 1;
  let high = Math.min(text.length, MAX_MESSAGE_BYTES);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (fitsInMessage(text.slice(0, middle))) low = middle;
    else high = middle - 1;
  }
  if (low === text.length) return text;
  // Avoid splitting a surrogate pair or a grapheme.
  const from = Math.max(0, low - 100);
  const start = segmentGraphemes(text.slice(from, low + 100)).containing(low - from)?.index ?? 0;
  return text.slice(0, start > 0 ? from + start : Math.max(low, 1));
};

/** Splits a text into parts that each fit into a message, preferably at line ends. */
export const splitMessage = (text: string): readonly string[] => {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > MAX_MESSAGE_BYTES || !fitsInMessage(rest)) {
    const start = longestFit(rest);
    const lineEnd = start.lastIndexOf('\n');
    parts.push(lineEnd > 0 ? start.slice(0, lineEnd) : start);
    rest = rest.slice(lineEnd > 0 ? lineEnd + 1 : start.length);
  }
  if (rest !== '') parts.push(rest);
  return parts;
};

/** A command of a group room. */
export type GroupCommand =
  | { readonly type: 'members' | 'invite' | 'rotate' | 'leave' }
  /** `name` is a nick or the start of a key. */
  | { readonly type: 'remove'; readonly name: string };

/**
 * The result of parsing the input: a message, a command, or a problem and optionally parts that can be sent
 * instead.
 */
export type ParsedInput =
  | { readonly message: OutgoingMessage }
  | { readonly command: GroupCommand }
  | { readonly problem: string; readonly parts?: readonly OutgoingMessage[] | undefined };

const ACTS = new Map<string, Act>([
  ['/me', 'me'],
  ['/topic', 'topic'],
]);

/** The commands of a group room without an argument. */
const GROUP_COMMANDS = new Map<string, GroupCommand>([
  ['/members', { type: 'members' }],
  ['/invite', { type: 'invite' }],
  ['/rotate', { type: 'rotate' }],
  ['/leave', { type: 'leave' }],
]);

const parseGroupCommand = (word: string, argument: string): ParsedInput | undefined => {
  if (word === '/remove')
    return argument === ''
      ? { problem: '/remove needs a nick, nobody was removed' }
      : { command: { type: 'remove', name: argument } };
  const command = GROUP_COMMANDS.get(word);
  if (command === undefined) return undefined;
  return argument === '' ? { command } : { problem: `${word} takes no text, nothing was done` };
};

/**
 * Parses the input as the terminal does. An unknown `/word` is never sent, since it may be a typo with a
 * secret. Only a group room has the commands that change the group.
 */
export const parseInput = (
  typed: string,
  { isGroup = false }: { readonly isGroup?: boolean } = {},
): ParsedInput => {
  if (!typed.startsWith('/')) return parseMessage(typed);
  if (typed.startsWith('//')) return parseMessage(typed.slice(1));
  const [, word = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(typed) ?? [];
  const text = rest.trimEnd();
  const command = isGroup ? parseGroupCommand(word, text) : undefined;
  if (command !== undefined) return command;
  const act = ACTS.get(word);
  if (act === undefined) {
    const words = [...(isGroup ? [...GROUP_COMMANDS.keys(), '/remove NICK'] : []), '/me TEXT'];
    return {
      problem: `unknown command ${sanitize(word)}, nothing was sent; use ${words.join(', ')} or /topic TEXT, or //x to send /x`,
    };
  }
  return text === '' ? { problem: `${word} needs a text, nothing was sent` } : parseMessage(text, act);
};

const parseMessage = (text: string, act?: Act): ParsedInput => {
  if (fitsInMessage(text)) return { message: { lines: [text], ...(act && { act }) } };
  const sizes = `${formatNumber(utf8Length(text))} bytes, and the limit is ${formatNumber(MAX_MESSAGE_BYTES)}`;
  if (act !== undefined) return { problem: `this has ${sizes}: shorten it` };
  const parts = splitMessage(text);
  return {
    problem: `this has ${sizes}: shorten it, or send it as ${parts.length} messages`,
    parts: parts.map((part) => ({ lines: [part] })),
  };
};

const utf8Length = (text: string): number => new TextEncoder().encode(text).length;

/** Formats a number as `1,234,567`. */
const formatNumber = (n: number): string => n.toLocaleString('en');
