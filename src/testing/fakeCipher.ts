import {
  asFernetKey,
  type Cipher,
  type FernetKey,
  type Keyring,
  type Plaintext,
  type Token,
} from '../../streams/client/index.js';
import { fromBase64url, toBase64url } from '../../streams/wire/index.js';

/** Version, time, the key's first byte and the length of what follows. */
const HEAD = 12;

const checksum = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => (sum + byte) % 256, 0);

/** No secret and no chance in it, for drawings; what it makes has the shape of a token, and it notices changes. */
export const fakeCipher: Cipher = {
  seal: (key, plaintext, time) => {
    const size = Math.max(75, 3 * Math.ceil((HEAD + plaintext.length + 1) / 3));
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, 0x80);
    view.setBigUint64(1, BigInt(time));
    view.setUint8(9, key[0] ?? 0);
    view.setUint16(10, plaintext.length);
    bytes.set(plaintext, HEAD);
    bytes[size - 1] = checksum(bytes);
    return toBase64url(bytes) as Token;
  },
  open: (key, token) => {
    const bytes = fromBase64url(token);
    if (bytes === undefined || bytes.length < 75) return 'malformed';
    const body = bytes.subarray(0, -1);
    if (bytes[9] !== key[0] || bytes.at(-1) !== checksum(body)) return 'wrong key or tampered';
    const length = new DataView(bytes.buffer).getUint16(10);
    return bytes.slice(HEAD, HEAD + length) as Plaintext;
  },
};

/** The time on the outside of a token, which everyone can read. */
export const timeOf = (token: Token): number =>
  Number(new DataView((fromBase64url(token) ?? new Uint8Array(HEAD)).buffer).getBigUint64(1));

export const keyOf = (mark: number): FernetKey => asFernetKey(new Uint8Array(32).fill(mark));

/** A keyring that seals with the first of some keys and opens with all. */
export const ringOf = (first: number, ...others: number[]): Keyring => ({
  seal: keyOf(first),
  open: [first, ...others].map(keyOf),
});
