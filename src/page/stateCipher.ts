import { catchError, defer, from, map, type Observable, of, switchMap } from 'rxjs';
import { encodeText } from '../../streams/wire/index.js';
import { nobleSuite } from '../browser/nobleSuite.js';
import { type Database, onResult } from './database.js';

/** An encrypted value in the database. */
export interface SealedValue {
  readonly version: 1;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/**
 * Encrypts the values that this browser stores, and binds each to its name.
 *
 * In a secure context no script can export the key. The key is in the same profile of the browser, so this does not
 * protect against someone who copies the profile. Without a secure context the key is plain bytes beside the values,
 * and the encryption detects damage only.
 */
export interface StateCipher {
  readonly seal: (name: string, plaintext: Uint8Array) => Observable<SealedValue>;
  /** Emits `undefined` if the value is damaged, or sealed by another browser or under another name. */
  readonly open: (name: string, value: unknown) => Observable<Uint8Array | undefined>;
}

/** Authenticated encryption with a key. Errors or emits `undefined` if a ciphertext is not authentic. */
interface KeyedAead {
  readonly seal: (nonce: Uint8Array, name: Uint8Array, plaintext: Uint8Array) => Observable<Uint8Array>;
  readonly open: (
    nonce: Uint8Array,
    name: Uint8Array,
    ciphertext: Uint8Array,
  ) => Observable<Uint8Array | undefined>;
}

const VERSION = 1;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const KEY_NAME = 'state';
const { aead, randomBytes } = nobleSuite();

/** Whether a value has the shape of a `SealedValue`. A damaged database can contain anything. */
export const isSealedValue = (value: unknown): value is SealedValue =>
  typeof value === 'object' &&
  value !== null &&
  'version' in value &&
  value.version === VERSION &&
  'nonce' in value &&
  value.nonce instanceof Uint8Array &&
  value.nonce.length === NONCE_BYTES &&
  'ciphertext' in value &&
  value.ciphertext instanceof Uint8Array;

/** Creates a cipher. Its nonces are random: after 2^32 values the chance of a repeated nonce is 2^-33. */
const createStateCipher = ({ seal, open }: KeyedAead): StateCipher => ({
  seal: (name, plaintext) =>
    defer(() => {
      const nonce = randomBytes(NONCE_BYTES);
      return seal(nonce, encodeText(name), plaintext).pipe(
        map((ciphertext): SealedValue => ({ version: VERSION, nonce, ciphertext })),
      );
    }),
  open: (name, value) =>
    isSealedValue(value)
      ? open(value.nonce, encodeText(name), value.ciphertext).pipe(catchError(() => of(undefined)))
      : of(undefined),
});

/** Returns a copy in memory of its own, as WebCrypto expects it. */
const copyOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

/** Encrypts with a random key of plain bytes, in JavaScript. */
export const createByteCipher = (key: Uint8Array): StateCipher =>
  createStateCipher({
    seal: (nonce, name, plaintext) => of(aead.seal(key, nonce, name, plaintext)),
    open: (nonce, name, ciphertext) => of(aead.open(key, nonce, name, ciphertext)),
  });

const createWebCipher = (key: CryptoKey): StateCipher => {
  const parameters = (nonce: Uint8Array, name: Uint8Array): AesGcmParams => ({
    name: 'AES-GCM',
    iv: copyOf(nonce),
    additionalData: copyOf(name),
  });
  return createStateCipher({
    seal: (nonce, name, plaintext) =>
      from(crypto.subtle.encrypt(parameters(nonce, name), key, copyOf(plaintext))).pipe(
        map((ciphertext) => new Uint8Array(ciphertext)),
      ),
    open: (nonce, name, ciphertext) =>
      from(crypto.subtle.decrypt(parameters(nonce, name), key, copyOf(ciphertext))).pipe(
        map((plaintext) => new Uint8Array(plaintext)),
      ),
  });
};

/** Creates a random key. A page without a secure context has no WebCrypto, and its key can be exported. */
const createKey = (): Observable<CryptoKey | Uint8Array> => {
  const { subtle } = crypto as { readonly subtle?: SubtleCrypto };
  return subtle === undefined
    ? of(randomBytes(KEY_BYTES))
    : from(subtle.generateKey({ name: 'AES-GCM', length: 8 * KEY_BYTES }, false, ['encrypt', 'decrypt']));
};

const isKey = (key: unknown): key is CryptoKey | Uint8Array =>
  (key instanceof Uint8Array && key.length === KEY_BYTES) ||
  ('CryptoKey' in globalThis && key instanceof CryptoKey);

/** Loads the key of this browser, or creates it, and emits the cipher with it. */
export const openStateCipher = ({ transact }: Database): Observable<StateCipher> =>
  createKey().pipe(
    // Several tabs may create a key; the database decides.
    switchMap((newKey) =>
      transact<CryptoKey | Uint8Array>(({ keys }, resolve) => {
        onResult(keys.get(KEY_NAME), (stored: unknown) => {
          if (!isKey(stored)) keys.put(newKey, KEY_NAME);
          resolve(isKey(stored) ? stored : newKey);
        });
      }),
    ),
    map((key) => (key instanceof Uint8Array ? createByteCipher(key) : createWebCipher(key))),
  );
