import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { encodeText } from '../../streams/wire/index.js';
import type { Stretch } from '../invite/kdf.js';
import { SECRET_BYTES } from './secret.js';

const scryptAsync = promisify<string, Uint8Array, number, Record<string, number>, Buffer>(scrypt);

/** scrypt by `node:crypto`. Takes 128 MiB and more. */
export const stretch: Stretch = async (passphrase, salt, { logN, r, p }) => {
  const N = 2 ** logN;
  const bytes = await scryptAsync(passphrase, encodeText(salt), SECRET_BYTES, {
    N,
    r,
    p,
    // What RFC 7914 needs, and a little for whatever OpenSSL counts beside it.
    maxmem: 128 * r * (N + p + 64),
  });
  return new Uint8Array(bytes);
};
