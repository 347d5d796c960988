/**
 * base64url without padding (RFC 4648 section 5): how keys, nonces, sessions and proofs stand on the wire.
 *
 * Node and browsers each have an encoder of their own and no common one; what passes here is a few dozen bytes at a
 * join, so the core has this short one and asks the shell for none.
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The unpadded base64url text of some bytes. */
export const toBase64url = (bytes: Uint8Array): string => {
  // Joined once: a string that grows by a character is kept as a tree, thirty times as large.
  const text: string[] = [];
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text.push(ALPHABET.charAt((value >> bits) & 63));
    }
  }
  if (bits > 0) text.push(ALPHABET.charAt((value << (6 - bits)) & 63));
  return text.join('');
};

/**
 * The bytes of an unpadded base64url text, or `undefined` where it is anything else: another alphabet, padding, an
 * impossible length, or unused bits that are not zero (two texts must never name one key).
 */
export const fromBase64url = (text: string): Uint8Array | undefined => {
  const bytes = new Uint8Array(Math.floor((text.length * 6) / 8));
  let bits = 0;
  let value = 0;
  let at = 0;
  for (const character of text) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) return undefined;
    value = ((value << 6) | digit) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (value >> bits) & 0xff;
    }
  }
  return bits < 6 && (value & ((1 << bits) - 1)) === 0 ? bytes : undefined;
};
