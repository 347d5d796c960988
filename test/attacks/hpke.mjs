/** HPKE (RFC 9180) in base mode: X25519, HKDF-SHA256 and ChaCha20-Poly1305, with `node:crypto` alone. */
import {
  createCipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  randomBytes,
} from 'node:crypto';

const TAG_BYTES = 16;
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const KEM = Buffer.concat([Buffer.from('KEM'), Buffer.of(0, 0x20)]);
const SUITE = Buffer.concat([Buffer.from('HPKE'), Buffer.of(0, 0x20, 0, 1, 0, 3)]);
const EMPTY = Buffer.alloc(0);

export const hmac = (key, message) => createHmac('sha256', key).update(message).digest();
export const extract = (salt, key) => hmac(salt, key);
/** HKDF-Expand (RFC 5869) of at most one block. */
export const expand = (key, info, length = 32) =>
  hmac(key, Buffer.concat([info, Buffer.of(1)])).subarray(0, length);

const labelledExtract = (suite, salt, label, key) =>
  extract(salt, Buffer.concat([Buffer.from('HPKE-v1'), suite, Buffer.from(label), key]));
const labelledExpand = (suite, key, label, info, length = 32) =>
  expand(
    key,
    Buffer.concat([Buffer.of(0, length), Buffer.from('HPKE-v1'), suite, Buffer.from(label), info]),
    length,
  );

/** Returns the private key that RFC 9180 derives from a secret. */
export const derivePrivateKey = (secret) =>
  labelledExpand(KEM, labelledExtract(KEM, EMPTY, 'dkp_prk', secret), 'sk', EMPTY);

const privateKeyOf = (bytes) =>
  createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, bytes]), format: 'der', type: 'pkcs8' });
const publicKeyOf = (bytes) =>
  createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' });
export const publicKey = (privateKey) =>
  createPublicKey(privateKeyOf(privateKey)).export({ format: 'der', type: 'spki' }).subarray(-32);
const sharedSecret = (privateKey, other) =>
  diffieHellman({ privateKey: privateKeyOf(privateKey), publicKey: publicKeyOf(other) });

/** What sender and receiver share: for one message, and for exported secrets. */
const contextOf = (dh, kemOutput, receiver, info) => {
  const prk = labelledExtract(KEM, EMPTY, 'eae_prk', dh);
  const shared = labelledExpand(KEM, prk, 'shared_secret', Buffer.concat([kemOutput, receiver]));
  const hashes = Buffer.concat([
    Buffer.of(0),
    labelledExtract(SUITE, EMPTY, 'psk_id_hash', EMPTY),
    labelledExtract(SUITE, EMPTY, 'info_hash', info),
  ]);
  const secret = labelledExtract(SUITE, shared, 'secret', EMPTY);
  const key = labelledExpand(SUITE, secret, 'key', hashes);
  const nonce = labelledExpand(SUITE, secret, 'base_nonce', hashes, 12);
  const exporter = labelledExpand(SUITE, secret, 'exp', hashes);
  const options = { authTagLength: TAG_BYTES };
  return {
    seal: (plaintext) => {
      const cipher = createCipheriv('chacha20-poly1305', key, nonce, options);
      return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    },
    exportSecret: (context) => labelledExpand(SUITE, exporter, 'sec', Buffer.from(context)),
  };
};

/** Returns the KEM output and the context of a sender. */
export const setupSender = (receiver, info) => {
  const ephemeral = derivePrivateKey(randomBytes(32));
  const kemOutput = publicKey(ephemeral);
  return { kemOutput, ...contextOf(sharedSecret(ephemeral, receiver), kemOutput, receiver, info) };
};
