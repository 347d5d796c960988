import { asFernetKey, type FernetKey, type Plaintext } from '../../../streams/client/index.js';
import { encodeText } from '../../../streams/wire/index.js';
import { nodeCipher } from '../../../src/crypto/nodeCipher.js';

export const KEY: FernetKey = asFernetKey(new Uint8Array(32).fill(7));
export const OTHER_KEY: FernetKey = asFernetKey(new Uint8Array(32).fill(8));

const cipher = nodeCipher();

/** Creates a token of the classic wire. */
export const token = (text: string, key: FernetKey = KEY): string =>
  cipher.seal(key, encodeText(text) as Plaintext, 1_795_377_600);

/** Creates a token with that many characters, without padding if such a token has none. */
export const tokenOfBlocks = (blocks: number, key: FernetKey = KEY): string =>
  token('x'.repeat(16 * blocks - 1), key);

/** Returns whether a token is valid under the key. */
export const isAuthentic = (bytes: Uint8Array): boolean =>
  typeof cipher.open(KEY, Buffer.from(bytes).toString('latin1') as ReturnType<typeof cipher.seal>) !==
  'string';
