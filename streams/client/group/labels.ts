import { encodeText } from '../../wire/encoding.js';
import { concatBytes, u16, u32, u8 } from './bytes.js';
import type { CryptoSuite, SigningKey } from './cryptoSuite.js';
import type { Hpke, KeyPair } from './hpke.js';

/** The prefix of all labels, so that no key or signature of group rooms means anything in another protocol. */
export const PROTOCOL = 'rxchat/2 ';

/** The length of all secrets, hashes and public keys in bytes. */
export const SECRET_BYTES = 32;

/** An encrypted secret: the output of the KEM and the ciphertext. */
export interface HpkeCiphertext {
  readonly kemOutput: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** The labelled functions of MLS (RFC 9420, sections 5.1.2, 5.1.3 and 8). */
export interface LabelledCrypto {
  readonly expandWithLabel: (
    secret: Uint8Array,
    label: string,
    context: Uint8Array,
    lengthBytes: number,
  ) => Uint8Array;
  readonly deriveSecret: (secret: Uint8Array, label: string) => Uint8Array;
  readonly signWithLabel: (key: Pick<SigningKey, 'sign'>, label: string, content: Uint8Array) => Uint8Array;
  readonly verifyWithLabel: (
    publicKey: Uint8Array,
    label: string,
    content: Uint8Array,
    signature: Uint8Array,
  ) => boolean;
  /** Encrypts to a public key, or returns `undefined` if it cannot be used. */
  readonly encryptWithLabel: (
    publicKey: Uint8Array,
    label: string,
    context: Uint8Array,
    plaintext: Uint8Array,
  ) => HpkeCiphertext | undefined;
  /** Decrypts, or returns `undefined` if the ciphertext is not authentic. */
  readonly decryptWithLabel: (
    keyPair: KeyPair,
    label: string,
    context: Uint8Array,
    sealed: HpkeCiphertext,
  ) => Uint8Array | undefined;
}

const EMPTY = new Uint8Array(0);

/** Prefixes bytes with their length in 1, 2 or 4 bytes: a variable-size vector (RFC 9420, section 2.1.2). */
const vector = (bytes: Uint8Array): Uint8Array => {
  const { length } = bytes;
  const header =
    length < 2 ** 6 ? u8(length) : length < 2 ** 14 ? u16(2 ** 14 + length) : u32(2 ** 31 + length);
  return concatBytes(header, bytes);
};

/** Creates the labelled functions of MLS. `protocol` is the prefix of all labels; MLS itself has `MLS 1.0 `. */
export const createLabelledCrypto = (
  { hkdfExpand, ed25519 }: CryptoSuite,
  hpke: Hpke,
  protocol: string = PROTOCOL,
): LabelledCrypto => {
  const labelled = (label: string, content: Uint8Array): Uint8Array =>
    concatBytes(vector(encodeText(protocol + label)), vector(content));

  const expandWithLabel: LabelledCrypto['expandWithLabel'] = (secret, label, context, lengthBytes) =>
    hkdfExpand(secret, concatBytes(u16(lengthBytes), labelled(label, context)), lengthBytes);

  return {
    expandWithLabel,
    deriveSecret: (secret, label) => expandWithLabel(secret, label, EMPTY, SECRET_BYTES),
    signWithLabel: ({ sign }, label, content) => sign(labelled(label, content)),
    verifyWithLabel: (publicKey, label, content, signature) =>
      ed25519.verify(publicKey, labelled(label, content), signature),
    encryptWithLabel: (publicKey, label, context, plaintext) => {
      const sender = hpke.setupSender(publicKey, labelled(label, context));
      return (
        sender && {
          kemOutput: sender.kemOutput,
          ciphertext: hpke.seal(sender.context, 0, EMPTY, plaintext),
        }
      );
    },
    decryptWithLabel: (keyPair, label, context, { kemOutput, ciphertext }) => {
      const received = hpke.setupReceiver(kemOutput, keyPair, labelled(label, context));
      return received && hpke.open(received, 0, EMPTY, ciphertext);
    },
  };
};
