import { nobleSuite } from '../../src/browser/nobleSuite.js';
import { nodeSuite } from '../../src/crypto/nodeSuite.js';
import { sha256 } from '../../src/crypto/nodeVerify.js';
import { concatBytes, u32 } from '../../streams/client/group/bytes.js';
import type { CryptoSuite } from '../../streams/client/group/index.js';
import { encodeText } from '../../streams/wire/index.js';

/** Both suites by their names, for `describe.each`. */
export const SUITES: readonly (readonly [string, (random: CryptoSuite['randomBytes']) => CryptoSuite])[] = [
  ['node:crypto', (randomBytes) => nodeSuite({ randomBytes })],
  ['noble', (randomBytes) => nobleSuite({ randomBytes })],
];

/** Creates a generator of bytes that depend on the seed only: the hashes of the seed and a counter. */
export const seededRandom = (seed: string): CryptoSuite['randomBytes'] => {
  let counter = 0;
  return (lengthBytes) => {
    const blocks: Uint8Array[] = [];
    for (let left = lengthBytes; left > 0; left -= 32) {
      blocks.push(sha256(concatBytes(encodeText(seed), u32(counter))));
      counter += 1;
    }
    return concatBytes(...blocks).slice(0, lengthBytes);
  };
};

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

/** Returns a copy with one bit of the byte at `index` flipped. */
export const flipBit = (bytes: Uint8Array, index: number, bit = 0): Uint8Array =>
  bytes.map((byte, at) => (at === index ? byte ^ (1 << bit) : byte));

/** Encodings of X25519 public keys of small order: any private key gives an all-zero secret with them. */
export const SMALL_ORDER_X25519_KEYS: readonly string[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];
