import { base64urlRuns } from './base64urlRun.js';

/**
 * What may have a position: a Fernet token, or an announcement in plaintext.
 *
 * A token (https://github.com/fernet/spec) is padded base64url and begins with version 0x80 and a 64-bit time in
 * seconds, whose upper 22 bits stay zero for some 10^5 years: `gAAAA`.
 */
const TOKEN_HEAD = [0x67, 0x41, 0x41, 0x41, 0x41];
const NEWLINE = 10;
const PADDING = 61;

/** The shortest token: version, time, IV, one block and the HMAC are 73 bytes, 100 characters. */
const SHORTEST_TOKEN = 100;

/**
 * Whether every line of a batch has the shape of a token. One pass over the bytes and no allocation: the relay asks
 * this of all that it appends, so that nobody can put anything else under the eyes of the members.
 */
export const areTokens = (bytes: Uint8Array): boolean => {
  const runEnd = base64urlRuns(bytes);
  for (let at = 0; at < bytes.length;) {
    const from = at;
    for (const byte of TOKEN_HEAD) if (bytes[at++] !== byte) return false;
    at = runEnd(at);
    while (bytes[at] === PADDING && (at - from) % 4 !== 0) at += 1;
    const length = at - from;
    if (bytes[at] !== NEWLINE || length < SHORTEST_TOKEN || length % 4 !== 0 || bytes[at - 3] === PADDING)
      return false;
    at += 1;
  }
  return true;
};

/** Who came and who went: nicks, or where there are too many for a list, how many. */
export interface Announcement {
  readonly type: 'joined' | 'left';
  readonly nicks: readonly string[];
  readonly count: number;
}

/** `+alice,bob`, `-alice`, or `+*1200`. */
export const announcementLine = ({ type, nicks, count }: Announcement): string =>
  (type === 'joined' ? '+' : '-') + (nicks.length > 0 ? nicks.join(',') : `*${count}`);

/** Reads an announcement; `undefined` where the line is none. */
export const readAnnouncement = (line: string): Announcement | undefined => {
  if (!/^[+-]./u.test(line)) return undefined;
  const type = line.startsWith('+') ? 'joined' : 'left';
  const rest = line.slice(1);
  if (!rest.startsWith('*')) {
    const nicks = rest.split(',');
    return { type, nicks, count: nicks.length };
  }
  return /^\*[1-9][0-9]{0,9}$/.test(rest) ? { type, nicks: [], count: Number(rest.slice(1)) } : undefined;
};
