/** A piece of a text, and whether it is an address that can be followed. */
export interface Piece {
  readonly text: string;
  readonly isLink: boolean;
}

/** No space, no quotes and no backslash, which browsers read as a slash. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\\^{|}\u2028\u2029]+/giu;

/** What ends a sentence is no part of the address in it. */
const ENDING = /[.,;:!?*_~)\]]$/;

const OPENING: Readonly<Record<string, string>> = { ')': '(', ']': '[' };

/** An address without what the sentence around it adds; a bracket stays if it was opened inside. */
const trimmed = (address: string): string => {
  const count = new Map<string, number>();
  for (const each of address) count.set(each, (count.get(each) ?? 0) + 1);
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address.charAt(end - 1);
    if (!ENDING.test(last)) break;
    const closing = count.get(last) ?? 0;
    const opening = OPENING[last];
    if (opening !== undefined && (count.get(opening) ?? 0) >= closing) break;
    count.set(last, closing - 1);
  }
  return address.slice(0, end);
};

/**
 * Whether a reader sees where an address leads: its host is written as the browser asks for it, in ASCII, and nothing
 * before the host looks like another one (`https://bank.example@evil.example`).
 */
const isHonest = (address: string): boolean => {
  if (!URL.canParse(address)) return false;
  const { protocol, host, username, password } = new URL(address);
  const [, written = ''] = /^https?:\/\/([^/?#]*)/i.exec(address) ?? [];
  return (
    /^https?:$/.test(protocol) &&
    username === '' &&
    password === '' &&
    written.toLowerCase().replace(protocol === 'https:' ? /:443$/ : /:80$/, '') === host
  );
};

/** The pieces of a text, in order; together they are the text. */
export const piecesOf = (text: string): readonly Piece[] => {
  const pieces: Piece[] = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = trimmed(found);
    if (!isHonest(address)) continue;
    if (index > end) pieces.push({ text: text.slice(end, index), isLink: false });
    pieces.push({ text: address, isLink: true });
    end = index + address.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), isLink: false });
  return pieces;
};
