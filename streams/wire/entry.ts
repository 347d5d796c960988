import { base64urlScanner } from './encoding.js';

/**
 * The first characters of every Fernet token: `gAAAA`.
 *
 * A token (https://github.com/fernet/spec) is padded base64url. It begins with version 0x80 and a 64-bit time in seconds,
 * whose upper 22 bits stay zero for some 10^5 years.
 */
const TOKEN_PREFIX = [0x67, 0x41, 0x41, 0x41, 0x41];
const NEWLINE = 10;
const PADDING = 61;

/*
 * The layout of a Fernet token: version, 64-bit time, IV, ciphertext in whole blocks, HMAC. The HMAC covers all before
 * it.
 */
export const TOKEN_VERSION = 0x80;
export const TOKEN_TIME_OFFSET = 1;
export const TOKEN_IV_OFFSET = 9;
export const TOKEN_CIPHERTEXT_OFFSET = 25;
export const TOKEN_BLOCK_BYTES = 16;
export const TOKEN_HMAC_BYTES = 32;

/** Length of the shortest token in characters: its ciphertext is one block. Base64 makes 4 characters of 3 bytes. */
export const MIN_TOKEN_LENGTH: number =
  4 * /* @__PURE__ */ Math.ceil((TOKEN_CIPHERTEXT_OFFSET + TOKEN_BLOCK_BYTES + TOKEN_HMAC_BYTES) / 3);

/**
 * Returns whether every line of a batch has the format of a token.
 *
 * The relay checks everything that it appends, so a member cannot show the others anything but tokens. One pass over the
 * bytes, without allocation.
 */
export const isTokenBatch = (bytes: Uint8Array): boolean => {
  const runEnd = base64urlScanner(bytes);
  for (let at = 0; at < bytes.length;) {
    const from = at;
    for (const byte of TOKEN_PREFIX) if (bytes[at++] !== byte) return false;
    at = runEnd(at);
    while (bytes[at] === PADDING && (at - from) % 4 !== 0) at += 1;
    const length = at - from;
    if (bytes[at] !== NEWLINE || length < MIN_TOKEN_LENGTH || length % 4 !== 0 || bytes[at - 3] === PADDING)
      return false;
    at += 1;
  }
  return true;
};

/** Members that joined or left: their nicks, or only their number if the list would be too long. */
export interface Announcement {
  readonly type: 'joined' | 'left';
  readonly nicks: readonly string[];
  readonly count: number;
}

/** Formats an announcement: `+alice,bob`, `-alice`, or `+*1200`. */
export const formatAnnouncement = ({ type, nicks, count }: Announcement): string =>
  (type === 'joined' ? '+' : '-') + (nicks.length > 0 ? nicks.join(',') : `*${count}`);

/** Parses an announcement, or returns `undefined` if the line is not an announcement. */
export const parseAnnouncement = (line: string): Announcement | undefined => {
  if (!/^[+-]./u.test(line)) return undefined;
  const type = line.startsWith('+') ? 'joined' : 'left';
  const rest = line.slice(1);
  if (!rest.startsWith('*')) {
    const nicks = rest.split(',');
    return { type, nicks, count: nicks.length };
  }
  return /^\*[1-9][0-9]{0,9}$/.test(rest) ? { type, nicks: [], count: Number(rest.slice(1)) } : undefined;
};
