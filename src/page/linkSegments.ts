/** A segment of a text, and whether it is a link. */
export interface TextSegment {
  readonly text: string;
  readonly isLink: boolean;
}

/** Excludes spaces, quotes and backslashes, which browsers treat as slashes. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\\^{|}\u2028\u2029]+/giu;

/** Punctuation at the end of a sentence is not part of the address. */
const ENDING = /[.,;:!?*_~)\]]$/;

const OPENING: Readonly<Record<string, string>> = { ')': '(', ']': '[' };

/** Removes trailing punctuation from an address. A bracket stays if it was opened inside. */
const trimAddress = (address: string): string => {
  const count = new Map<string, number>();
  for (const character of address) count.set(character, (count.get(character) ?? 0) + 1);
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
 * Whether an address shows where it leads. Its host has to be written in ASCII as the browser requests it,
 * without anything before it that looks like another host (`https://bank.example@evil.example`).
 */
const isUnambiguous = (address: string): boolean => {
  if (!URL.canParse(address)) return false;
  const { protocol, host, username, password } = new URL(address);
  const [, writtenHost = ''] = /^https?:\/\/([^/?#]*)/i.exec(address) ?? [];
  return (
    /^https?:$/.test(protocol) &&
    username === '' &&
    password === '' &&
    writtenHost.toLowerCase().replace(protocol === 'https:' ? /:443$/ : /:80$/, '') === host
  );
};

/** Splits a text into segments, in order and complete. */
export const linkSegments = (text: string): readonly TextSegment[] => {
  const segments: TextSegment[] = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = trimAddress(found);
    if (!isUnambiguous(address)) continue;
    if (index > end) segments.push({ text: text.slice(end, index), isLink: false });
    segments.push({ text: address, isLink: true });
    end = index + address.length;
  }
  if (end < text.length) segments.push({ text: text.slice(end), isLink: false });
  return segments;
};
