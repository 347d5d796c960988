import { asFernetKey, type FernetKey, type Plaintext } from '../../../streams/client/index.js';
import { encodeText } from '../../../streams/wire/index.js';
import { nodeCipher } from '../../../src/crypto/nodeCipher.js';

export const KEY: FernetKey = asFernetKey(new Uint8Array(32).fill(7));
export const OTHER_KEY: FernetKey = asFernetKey(new Uint8Array(32).fill(8));

const cipher = nodeCipher();

/** A token of the old wire. */
export const token = (text: string, key: FernetKey = KEY): string =>
  cipher.seal(key, encodeText(text) as Plaintext, 1_795_377_600);

/** A token of so many characters, without padding where that is a length that has none. */
export const tokenOfBlocks = (blocks: number, key: FernetKey = KEY): string =>
  token('x'.repeat(16 * blocks - 1), key);

/** Whether a token is one under the key. */
export const proves = (bytes: Uint8Array): boolean =>
  typeof cipher.open(KEY, Buffer.from(bytes).toString('latin1') as ReturnType<typeof cipher.seal>) !==
  'string';
