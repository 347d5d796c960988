import { map, type Observable, of, switchMap } from 'rxjs';
import { randomBytes } from '../crypto/random.js';
import { SEED_BYTES } from '../crypto/roomKeys.js';
import { type Database, onResult } from './database.js';
import { isSealedValue, type StateCipher } from './stateCipher.js';

const NAME = 'device';

/** Loads the seed of this browser's device key pair, or creates it if it is missing or damaged. */
export const openDeviceSeed = (database: Database, cipher: StateCipher): Observable<Uint8Array> =>
  database
    .transact<unknown>(({ keys }, resolve) => {
      onResult(keys.get(NAME), resolve);
    })
    .pipe(
      switchMap((stored) =>
        cipher
          .open(NAME, stored)
          .pipe(switchMap((seed) => (seed === undefined ? replaceSeed(database, cipher, stored) : of(seed)))),
      ),
    );

/** Replaces the stored value by a new seed, or emits the seed of another tab that was faster. */
const replaceSeed = (
  { transact }: Database,
  cipher: StateCipher,
  invalid: unknown,
): Observable<Uint8Array> => {
  const newSeed = randomBytes(SEED_BYTES);
  return cipher.seal(NAME, newSeed).pipe(
    switchMap((value) =>
      transact<unknown>(({ keys }, resolve) => {
        onResult(keys.get(NAME), (current: unknown) => {
          const isUnchanged = nonceOf(current) === nonceOf(invalid);
          if (isUnchanged) keys.put(value, NAME);
          resolve(isUnchanged ? value : current);
        });
      }),
    ),
    switchMap((value) => cipher.open(NAME, value)),
    map((seed) => seed ?? newSeed),
  );
};

/** Identifies a stored value, since each has a random nonce. */
const nonceOf = (value: unknown): string => (isSealedValue(value) ? value.nonce.join() : '');
