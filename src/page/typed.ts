import { type Act, isSayable, type Say } from '../../streams/client/index.js';
import { visible } from '../terminal/visible.js';

/** What comes of what was typed: it is said, or `problem` tells why it is not. */
export type Typed = { readonly say: Say } | { readonly problem: string };

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

const said = (text: string, act?: Act): Typed =>
  isSayable(text)
    ? { say: { lines: [text], ...(act && { act }) } }
    : { problem: 'this is too long for one message: send it in parts' };
