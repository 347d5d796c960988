import { type Act, isSayable, PACK_LIMIT, type Say } from '../../streams/client/index.js';
import { visible } from '../terminal/visible.js';
import { partsOf } from './parts.js';

/** What comes of what was typed: it is said, or `problem` tells why it is not, and `parts` what can be said instead. */
export type Typed =
  { readonly say: Say } | { readonly problem: string; readonly parts?: readonly Say[] | undefined };

const ACTS = new Map<string, Act>([
  ['/me', 'me'],
  ['/topic', 'topic'],
]);

/** Reads what was typed, as the terminal does: a `/word` that is no command is never said, it may be a typo, and secret. */
export const readTyped = (typed: string): Typed => {
  if (!typed.startsWith('/')) return said(typed);
  if (typed.startsWith('//')) return said(typed.slice(1));
  const [, word = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(typed) ?? [];
  const act = ACTS.get(word);
  if (act === undefined)
    return {
      problem: `unknown command ${visible(word)}, nothing was sent; here are /me TEXT and /topic TEXT, and //x says /x`,
    };
  const text = rest.trimEnd();
  return text === '' ? { problem: `${word} wants a text behind it, nothing was sent` } : said(text, act);
};

const said = (text: string, act?: Act): Typed => {
  if (isSayable(text)) return { say: { lines: [text], ...(act && { act }) } };
  const sizes = `${grouped(bytesOf(text))} bytes, and a message takes ${grouped(PACK_LIMIT)}`;
  if (act !== undefined) return { problem: `this has ${sizes}: shorten it` };
  const parts = partsOf(text);
  return {
    problem: `this has ${sizes}: shorten it, or send it as ${parts.length} messages`,
    parts: parts.map((part) => ({ lines: [part] })),
  };
};

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** `1,234,567` */
const grouped = (n: number): string => n.toLocaleString('en');
