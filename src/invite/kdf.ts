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

/** Stretches a normal passphrase with a salt to the 32 bytes of a room secret, by scrypt. */
export type Stretch = (passphrase: string, salt: string, cost: ScryptCost) => Promise<Uint8Array>;
