import {
  type Capabilities,
  type CiphersuiteImpl,
  type CiphersuiteName,
  type ClientConfig,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  type Hpke,
  type LeafNode,
  type RatchetTree,
} from 'ts-mls';
import { encodeCapabilities } from 'ts-mls/capabilities.js';
import { equalBytes } from '../../../../streams/client/group/bytes.js';
import { parseCredential } from '../../../../streams/client/group/credential.js';
import type { CryptoSuite, Device, Member } from '../../../../streams/client/group/index.js';

export const CIPHERSUITE: CiphersuiteName = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519';

/** What every leaf says that it supports. */
export const CAPABILITIES: Capabilities = {
  versions: ['mls10'],
  ciphersuites: [CIPHERSUITE],
  extensions: [],
  proposals: [],
  credentials: ['basic'],
};

const FORMATTED_CAPABILITIES = encodeCapabilities(CAPABILITIES);
/** With this private key, which everybody knows, a shared secret tells whether a public key can be used. */
const TEST_KEY = new Uint8Array(32).fill(1);

/** The ciphersuite with the signatures and the randomness of a suite, and what belongs to it. */
export interface MlsCrypto {
  readonly suite: CryptoSuite;
  /** Returns the ciphersuite that signs as a device. Without a device it cannot sign. */
  readonly ciphersuite: (device?: Pick<Device, 'sign'>) => CiphersuiteImpl;
  readonly clientConfig: ClientConfig;
  /** Verifies the credential of a leaf, or returns `undefined`. */
  readonly ownerOf: (leaf: LeafNode) => Omit<Member, 'leaf'> | undefined;
  /** Whether a leaf has the capabilities and extensions of this engine. With others it could stop the group. */
  readonly isPlain: (leaf: LeafNode) => boolean;
  /** Whether somebody could encrypt to a public key. */
  readonly isUsable: (publicKey: Uint8Array) => boolean;
}

export interface MlsCryptoOptions {
  /** Changes the HPKE of a dishonest client. */
  readonly hpke?: (hpke: Hpke) => Hpke;
}

export const createMlsCrypto = async (
  suite: CryptoSuite,
  { hpke = (honest) => honest }: MlsCryptoOptions = {},
): Promise<MlsCrypto> => {
  const base = await getCiphersuiteImpl(getCiphersuiteFromName(CIPHERSUITE));
  const ownerOf = ({
    credential,
    signaturePublicKey,
  }: Pick<LeafNode, 'credential' | 'signaturePublicKey'>) =>
    credential.credentialType === 'basic'
      ? parseCredential(credential.identity, signaturePublicKey, suite.ed25519)
      : undefined;
  return {
    suite,
    ciphersuite: (device) => ({
      ...base,
      hpke: hpke(base.hpke),
      rng: { randomBytes: (length) => suite.randomBytes(length) },
      signature: {
        sign: (_key, message) =>
          device === undefined
            ? Promise.reject(new TypeError('no device signs here'))
            : Promise.resolve(device.sign(message)),
        verify: (publicKey, message, signature) =>
          Promise.resolve(suite.ed25519.verify(publicKey, message, signature)),
        keygen: () => Promise.reject(new TypeError('devices bring their own signature keys')),
      },
    }),
    clientConfig: {
      // Old epochs are removed from the state after each step. Zero would retain all of them.
      keyRetentionConfig: {
        retainKeysForGenerations: 1,
        retainKeysForEpochs: 1,
        maximumForwardRatchetSteps: 1,
      },
      lifetimeConfig: { maximumTotalLifetime: 0n, validateLifetimeOnReceive: false },
      keyPackageEqualityConfig: {
        compareKeyPackages: (one, other) =>
          equalBytes(one.leafNode.signaturePublicKey, other.leafNode.signaturePublicKey),
        compareKeyPackageToLeafNode: (keyPackage, leaf) =>
          equalBytes(keyPackage.leafNode.signaturePublicKey, leaf.signaturePublicKey),
      },
      paddingConfig: { kind: 'alwaysPad', paddingLength: 0 },
      authService: {
        validateCredential: (credential, signaturePublicKey) =>
          Promise.resolve(ownerOf({ credential, signaturePublicKey }) !== undefined),
      },
    },
    ownerOf,
    isPlain: ({ capabilities, extensions }) =>
      extensions.length === 0 && equalBytes(encodeCapabilities(capabilities), FORMATTED_CAPABILITIES),
    isUsable: (publicKey) =>
      publicKey.length === 32 && suite.x25519.sharedSecret(TEST_KEY, publicKey) !== undefined,
  };
};

/** Returns the leaf node of an index, or `undefined` if it is blank or not there. */
export const leafAt = (tree: RatchetTree, index: number): LeafNode | undefined => {
  const node = tree[index * 2];
  return node?.nodeType === 'leaf' ? node.leaf : undefined;
};

/** Returns all members in the order of their leaves. Throws an `Error` if a credential is invalid: verify first. */
export const membersOf = (tree: RatchetTree, { ownerOf }: Pick<MlsCrypto, 'ownerOf'>): readonly Member[] =>
  tree.flatMap((node, at) => {
    if (node?.nodeType !== 'leaf') return [];
    const owner = ownerOf(node.leaf);
    if (owner === undefined) throw new Error('a credential of the tree is invalid');
    return [{ leaf: at / 2, ...owner }];
  });

/** The public keys of all nodes that are not blank. */
export const publicKeysOf = (tree: RatchetTree): readonly Uint8Array[] =>
  tree.flatMap((node) => {
    if (node === undefined) return [];
    return [node.nodeType === 'leaf' ? node.leaf.hpkePublicKey : node.parent.hpkePublicKey];
  });

/** Decodes a whole value in the only format that the encoder gives it, or returns `undefined`. The decoders may throw. */
export const decodeAll = <T>(
  bytes: Uint8Array,
  decode: (bytes: Uint8Array, offset: number) => [T, number] | undefined,
  encode: (value: T) => Uint8Array,
): T | undefined => {
  try {
    const [value, length] = decode(bytes, 0) ?? [];
    return value !== undefined && length === bytes.length && equalBytes(encode(value), bytes)
      ? value
      : undefined;
  } catch {
    return undefined;
  }
};
