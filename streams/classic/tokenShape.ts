/**
 * What can be told of a Fernet token in its text form without its key: how it begins, of which characters it is, and
 * how long it can be. Version, time and IV take 25 bytes, the HMAC 32, and between them stand blocks of 16; base64
 * makes 4 characters of 3 bytes.
 */

/** How every token begins: the version byte 0x80, and the first of the time, which are zero until the year 2514. */
export const MARK = 'gAAAAA';

/** The shortest token in characters: one block. */
export const SHORTEST_TOKEN = 100;

const FRAME = 57;
const BLOCK = 16;

/** The length in characters of a token whose plaintext has so many bytes. */
export const tokenLength = (plaintext: number): number =>
  4 * Math.ceil((FRAME + BLOCK * (Math.floor(plaintext / BLOCK) + 1)) / 3);

/** The longest text of a message, in bytes of UTF-8: 1 MiB. */
export const TEXT_LIMIT = 1_048_576;

/** The longest nick, in bytes of UTF-8. */
const NICK_BYTES = 128;

/** The longest token, in characters: a text of 1 MiB, and before it a nick and `: `. */
export const TOKEN_LIMIT: number = tokenLength(NICK_BYTES + 2 + TEXT_LIMIT);

/** How many `=` have to follow so many characters to make them a token; `undefined` where nothing does. */
export const paddingOf = (characters: number): 0 | 1 | 2 | undefined => {
  if (characters < SHORTEST_TOKEN - 2) return undefined;
  const bytes = Math.floor((characters * 3) / 4);
  if (characters % 4 === 1 || (bytes - FRAME) % BLOCK !== 0) return undefined;
  return ((4 - (characters % 4)) % 4) as 0 | 1 | 2;
};

const CHARACTERS = new Uint8Array(256);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
  CHARACTERS[character.charCodeAt(0)] = 1;

/** Whether a byte is a character of base64url. */
export const isCharacter = (byte: number): boolean => CHARACTERS[byte] === 1;

const MARK_BYTES = Array.from(MARK, (character) => character.charCodeAt(0));
const LAST_OF_MARK = MARK.charCodeAt(MARK.length - 1);

/** Whether a mark stands in the bytes before `end`. */
export const markEndsAt = (bytes: Uint8Array, end: number): boolean =>
  // Its last byte first, for this is asked at each byte of a token.
  bytes[end - 1] === LAST_OF_MARK &&
  end >= MARK.length &&
  MARK_BYTES.every((byte, at) => bytes[end - MARK.length + at] === byte);

/** Where a mark begins in the bytes `from` to `end`, or -1. */
export const findMark = (bytes: Uint8Array, from: number, end: number): number => {
  const [first] = MARK_BYTES as [number];
  for (
    let at = bytes.indexOf(first, from);
    at >= 0 && at + MARK.length <= end;
    at = bytes.indexOf(first, at + 1)
  )
    if (markEndsAt(bytes, at + MARK.length)) return at;
  return -1;
};

/** How many of the last bytes before `end` may be the beginning of a mark. */
export const begunMark = (bytes: Uint8Array, end: number): number => {
  for (let length = Math.min(MARK.length - 1, end); length > 0; length -= 1)
    if (MARK_BYTES.slice(0, length).every((byte, at) => bytes[end - length + at] === byte)) return length;
  return 0;
};
