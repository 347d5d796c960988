/** A signature key pair of a device (Ed25519, RFC 8032). The private key stays inside. */
export interface SigningKey {
  /** The public key: 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Signs a message: 64 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** Digital signatures: Ed25519 (RFC 8032). */
export interface SignatureScheme {
  /** Creates a key pair from a seed of 32 bytes. Throws a `TypeError` if it has another length. */
  readonly signingKey: (seed: Uint8Array) => SigningKey;
  /** Verifies a signature. Returns `false` for public keys of small order and for malformed input. */
  readonly verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
}

/** Diffie-Hellman key agreement: X25519 (RFC 7748). */
export interface KeyAgreement {
  /** Computes the public key of a private key of 32 bytes. */
  readonly publicKey: (privateKey: Uint8Array) => Uint8Array;
  /** Computes the shared secret, or returns `undefined` if it is all zero: the public key is of small order. */
  readonly sharedSecret: (privateKey: Uint8Array, publicKey: Uint8Array) => Uint8Array | undefined;
}

/** Authenticated encryption with associated data: ChaCha20-Poly1305 (RFC 8439), whose tag ends the ciphertext. */
export interface Aead {
  readonly seal: (
    key: Uint8Array,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: Uint8Array,
  ) => Uint8Array;
  /** Decrypts, or returns `undefined` if the ciphertext is not authentic. */
  readonly open: (
    key: Uint8Array,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    ciphertext: Uint8Array,
  ) => Uint8Array | undefined;
}

/**
 * The cryptographic primitives of group rooms. All are synchronous.
 *
 * `src/crypto/nodeSuite.ts` has them from `node:crypto`, `src/browser/nobleSuite.ts` in JavaScript. Both pass the same
 * test vectors and agree byte for byte.
 */
export interface CryptoSuite {
  /** SHA-256. */
  readonly sha256: (message: Uint8Array) => Uint8Array;
  /** HMAC-SHA256 (RFC 2104). */
  readonly hmac: (key: Uint8Array, message: Uint8Array) => Uint8Array;
  /** HKDF-Extract with SHA-256 (RFC 5869): a pseudorandom key of 32 bytes. */
  readonly hkdfExtract: (salt: Uint8Array, inputKey: Uint8Array) => Uint8Array;
  /** HKDF-Expand with SHA-256 (RFC 5869). */
  readonly hkdfExpand: (pseudorandomKey: Uint8Array, info: Uint8Array, lengthBytes: number) => Uint8Array;
  readonly x25519: KeyAgreement;
  readonly ed25519: SignatureScheme;
  readonly aead: Aead;
  /** Returns random bytes for secrets. Tests inject a seeded generator. */
  readonly randomBytes: (lengthBytes: number) => Uint8Array;
}
