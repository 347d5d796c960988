import { isSayable, PACK_LIMIT } from '../../streams/client/index.js';
import { graphemesOf } from '../terminal/graphemes.js';

/** The longest beginning of a text that fits into a message: at least a character, and whole graphemes if any fits. */
const fittingStart = (text: string): string => {
  let low = 1;
  let high = Math.min(text.length, PACK_LIMIT);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isSayable(text.slice(0, middle))) low = middle;
    else high = middle - 1;
  }
  if (low === text.length) return text;
  // Not between the halves of a character, nor within what looks like a single one.
  const from = Math.max(0, low - 100);
  const start = graphemesOf(text.slice(from, low + 100)).containing(low - from)?.index ?? 0;
  return text.slice(0, start > 0 ? from + start : Math.max(low, 1));
};

/** A text in parts that each fit into a message: cut at line ends where these come often enough. */
export const partsOf = (text: string): readonly string[] => {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > PACK_LIMIT || !isSayable(rest)) {
    const start = fittingStart(rest);
    const lineEnd = start.lastIndexOf('\n');
    parts.push(lineEnd > 0 ? start.slice(0, lineEnd) : start);
    rest = rest.slice(lineEnd > 0 ? lineEnd + 1 : start.length);
  }
  if (rest !== '') parts.push(rest);
  return parts;
};
