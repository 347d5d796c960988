import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { encodeText } from '../../streams/wire/index.js';
import { SECRET_BYTES } from './roomKeys.js';

/** What a guess costs under scrypt (RFC 7914): 2^logN rounds of r blocks of 128 bytes, p times. */
export interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB, and about as many ms as a person does not mind. */
export const SCRYPT_COST: ScryptCost = { logN: 17, r: 8, p: 1 };

/** `scrypt-17-8-1`. */
export const writeKdf = ({ logN, r, p }: ScryptCost): string => `scrypt-${logN}-${r}-${p}`;

/**
 * Reads `scrypt-17-8-1`; `undefined` where it is something else, or a cost that no invite should ask for. Lower ones would
 * make guessing cheap for whoever wrote the invite, higher ones would take a machine's memory: N from 2^17 to 2^19, r 8,
 * p from 1 to 4.
 */
export const readKdf = (text: string): ScryptCost | undefined => {
  const [, logN, p] = /^scrypt-(1[789])-8-([1-4])$/.exec(text) ?? [];
  return logN === undefined || p === undefined ? undefined : { logN: Number(logN), r: 8, p: Number(p) };
};

/** Passphrases that are typed on different machines: the same letters are the same bytes (NFKC), outer spaces are none. */
export const normalPassphrase = (passphrase: string): string => passphrase.normalize('NFKC').trim();

const scryptAsync = promisify<string, Uint8Array, number, Record<string, number>, Buffer>(scrypt);

/** The 32-byte secret that a passphrase and a salt become: scrypt over their normal form. Takes 128 MiB and more. */
export const stretch = async (
  passphrase: string,
  salt: string,
  { logN, r, p }: ScryptCost,
): Promise<Uint8Array> => {
  const N = 2 ** logN;
  const bytes = await scryptAsync(normalPassphrase(passphrase), encodeText(salt), SECRET_BYTES, {
    N,
    r,
    p,
    // What RFC 7914 needs, and a little for whatever OpenSSL counts beside it.
    maxmem: 128 * r * (N + p + 64),
  });
  return new Uint8Array(bytes);
};
