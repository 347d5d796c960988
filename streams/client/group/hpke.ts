import { encodeText } from '../../wire/encoding.js';
import { concatBytes, u16, u64, u8 } from './bytes.js';
import type { CryptoSuite } from './cryptoSuite.js';

/** An X25519 key pair. */
export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** What a sender and a receiver share after setup (RFC 9180, section 5.1). */
export interface HpkeContext {
  readonly key: Uint8Array;
  readonly baseNonce: Uint8Array;
  readonly exporterSecret: Uint8Array;
}

/** The sender's context, and the bytes from which the receiver sets up the same context. */
export interface HpkeSender {
  readonly kemOutput: Uint8Array;
  readonly context: HpkeContext;
}

/** HPKE in base mode (RFC 9180): encrypts to a public key. The sender stays anonymous. */
export interface Hpke {
  /** Derives a key pair from at least 32 random bytes. */
  readonly deriveKeyPair: (inputKey: Uint8Array) => KeyPair;
  readonly generateKeyPair: () => KeyPair;
  /** Sets up a context for a receiver, or returns `undefined` if its public key cannot be used. */
  readonly setupSender: (publicKey: Uint8Array, info: Uint8Array) => HpkeSender | undefined;
  /** Sets up the receiver's context, or returns `undefined` if `kemOutput` is not a usable public key. */
  readonly setupReceiver: (
    kemOutput: Uint8Array,
    keyPair: KeyPair,
    info: Uint8Array,
  ) => HpkeContext | undefined;
  /** Encrypts. Each message of a context needs another sequence number, from 0. */
  readonly seal: (
    context: HpkeContext,
    sequence: number,
    associatedData: Uint8Array,
    plaintext: Uint8Array,
  ) => Uint8Array;
  /** Decrypts, or returns `undefined` if the ciphertext is not authentic. */
  readonly open: (
    context: HpkeContext,
    sequence: number,
    associatedData: Uint8Array,
    ciphertext: Uint8Array,
  ) => Uint8Array | undefined;
  /** Derives a secret that only sender and receiver know. */
  readonly exportSecret: (
    context: HpkeContext,
    exporterContext: Uint8Array,
    lengthBytes: number,
  ) => Uint8Array;
}

const EMPTY = new Uint8Array(0);
const VERSION = encodeText('HPKE-v1');
const MODE_BASE = u8(0);
/** DHKEM(X25519, HKDF-SHA256). */
const KEM = u16(0x0020);
/** HKDF-SHA256, ChaCha20-Poly1305. */
const KDF_AND_AEAD = concatBytes(u16(0x0001), u16(0x0003));
const KEM_SUITE_ID = concatBytes(encodeText('KEM'), KEM);
const HPKE_SUITE_ID = concatBytes(encodeText('HPKE'), KEM, KDF_AND_AEAD);

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const SECRET_BYTES = 32;

/** The labelled functions of RFC 9180, section 4, for one suite id. */
const labelledKdf = ({ hkdfExtract, hkdfExpand }: CryptoSuite, suiteId: Uint8Array) => ({
  extract: (salt: Uint8Array, label: string, inputKey: Uint8Array): Uint8Array =>
    hkdfExtract(salt, concatBytes(VERSION, suiteId, encodeText(label), inputKey)),
  expand: (key: Uint8Array, label: string, info: Uint8Array, lengthBytes: number): Uint8Array =>
    hkdfExpand(key, concatBytes(u16(lengthBytes), VERSION, suiteId, encodeText(label), info), lengthBytes),
});

/** XORs the base nonce with the sequence number (RFC 9180, section 5.2). */
const nonceOf = ({ baseNonce }: HpkeContext, sequence: number): Uint8Array => {
  const counter = concatBytes(new Uint8Array(NONCE_BYTES - 8), u64(sequence));
  return baseNonce.map((byte, at) => byte ^ (counter[at] ?? 0));
};

/**
 * Creates HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305.
 *
 * `generateKeyPair` and `setupSender` derive their key pair from 32 bytes of `randomBytes`.
 */
export const createHpke = (suite: CryptoSuite): Hpke => {
  const { x25519, aead, randomBytes } = suite;
  const kem = labelledKdf(suite, KEM_SUITE_ID);
  const hpke = labelledKdf(suite, HPKE_SUITE_ID);
  const pskIdHash = hpke.extract(EMPTY, 'psk_id_hash', EMPTY);

  const deriveKeyPair = (inputKey: Uint8Array): KeyPair => {
    const privateKey = kem.expand(kem.extract(EMPTY, 'dkp_prk', inputKey), 'sk', EMPTY, KEY_BYTES);
    return { privateKey, publicKey: x25519.publicKey(privateKey) };
  };
  const generateKeyPair = (): KeyPair => deriveKeyPair(randomBytes(KEY_BYTES));

  const sharedSecret = (dh: Uint8Array, kemOutput: Uint8Array, receiverKey: Uint8Array): Uint8Array =>
    kem.expand(
      kem.extract(EMPTY, 'eae_prk', dh),
      'shared_secret',
      concatBytes(kemOutput, receiverKey),
      SECRET_BYTES,
    );

  const keySchedule = (shared: Uint8Array, info: Uint8Array): HpkeContext => {
    const context = concatBytes(MODE_BASE, pskIdHash, hpke.extract(EMPTY, 'info_hash', info));
    const secret = hpke.extract(shared, 'secret', EMPTY);
    return {
      key: hpke.expand(secret, 'key', context, KEY_BYTES),
      baseNonce: hpke.expand(secret, 'base_nonce', context, NONCE_BYTES),
      exporterSecret: hpke.expand(secret, 'exp', context, SECRET_BYTES),
    };
  };

  return {
    deriveKeyPair,
    generateKeyPair,
    setupSender: (publicKey, info) => {
      const ephemeral = generateKeyPair();
      const dh = x25519.sharedSecret(ephemeral.privateKey, publicKey);
      if (dh === undefined) return undefined;
      const kemOutput = ephemeral.publicKey;
      return { kemOutput, context: keySchedule(sharedSecret(dh, kemOutput, publicKey), info) };
    },
    setupReceiver: (kemOutput, keyPair, info) => {
      const dh = x25519.sharedSecret(keyPair.privateKey, kemOutput);
      return dh && keySchedule(sharedSecret(dh, kemOutput, keyPair.publicKey), info);
    },
    seal: (context, sequence, associatedData, plaintext) =>
      aead.seal(context.key, nonceOf(context, sequence), associatedData, plaintext),
    open: (context, sequence, associatedData, ciphertext) =>
      aead.open(context.key, nonceOf(context, sequence), associatedData, ciphertext),
    exportSecret: ({ exporterSecret }, exporterContext, lengthBytes) =>
      hpke.expand(exporterSecret, 'sec', exporterContext, lengthBytes),
  };
};
