import {
  type ClientState,
  createCommit,
  emptyPskIndex,
  encodeMlsMessage,
  type Hpke,
  joinGroupExternal,
  type RatchetTree,
} from 'ts-mls';
import { decryptWithLabel } from 'ts-mls/crypto/hpke.js';
import { encodeGroupContext } from 'ts-mls/groupContext.js';
import { isAncestor, toNodeIndex } from 'ts-mls/treemath.js';
import { equalBytes } from '../../../../streams/client/group/bytes.js';
import { formatCommitData, NO_COMMIT_DATA } from '../../../../streams/client/group/commitData.js';
import type { CryptoSuite } from '../../../../streams/client/group/index.js';
import { toBase64url } from '../../../../streams/wire/index.js';
import { flipBit } from '../../cryptoSuites.js';
import type { Attacker } from '../attackedEngine.js';
import { createMlsCrypto } from './ciphersuite.js';
import { parseMlsCommit, verifyMlsCommit } from './mlsCommit.js';
import { createMlsForge } from './mlsForge.js';
import { type MlsGroupInfo, treeOf } from './mlsGroupInfo.js';
import { pruneState } from './mlsState.js';
import { createKeyPackage } from './mlsTransition.js';

type Methods = Attacker<ClientState, MlsGroupInfo>;

/** An attacker of the MLS engine. All of its methods return promises. */
export type MlsAttacker = {
  readonly [Name in keyof Methods]: (
    ...args: Parameters<Methods[Name]>
  ) => Promise<ReturnType<Methods[Name]>>;
};

const NO_DATA = formatCommitData(NO_COMMIT_DATA);

/** The public keys with which members of some leaves decrypt: those of the leaves and of all nodes above them. */
const keysAbove = (tree: RatchetTree, leaves: readonly number[]): readonly Uint8Array[] =>
  tree.flatMap((node, at) => {
    const isAbove = leaves.some(
      (leaf) => leaf * 2 === at || isAncestor(toNodeIndex(leaf * 2), toNodeIndex(at), tree.length),
    );
    if (node === undefined || !isAbove) return [];
    return [node.nodeType === 'leaf' ? node.leaf.hpkePublicKey : node.parent.hpkePublicKey];
  });

/** HPKE that encrypts wrongly to some public keys. */
const wrongFor =
  (keys: readonly Uint8Array[]) =>
  (hpke: Hpke): Hpke => {
    const wrong = new WeakSet<object>();
    return {
      ...hpke,
      importPublicKey: async (bytes) => {
        const key: unknown = await hpke.importPublicKey(bytes);
        if (keys.some((each) => equalBytes(each, bytes))) wrong.add(key as object);
        return key as never;
      },
      seal: async (key, ...rest) => {
        const sealed = await hpke.seal(key, ...rest);
        return wrong.has(key as object) ? { ...sealed, ct: flipBit(sealed.ct, 0) } : sealed;
      },
    };
  };

export const createMlsAttacker = async (suite: CryptoSuite): Promise<MlsAttacker> => {
  const honest = await createMlsCrypto(suite);
  const forge = createMlsForge(honest);
  return {
    commit: async (state, device, { removed = [], authenticatedData = NO_DATA, wrongLeaves = [] } = {}) => {
      const hpke = wrongFor(keysAbove(state.ratchetTree, wrongLeaves));
      const crypto = await createMlsCrypto(suite, { hpke });
      const { newState, commit } = await createCommit(
        { state, cipherSuite: crypto.ciphersuite(device), pskIndex: emptyPskIndex },
        {
          wireAsPublicMessage: true,
          extraProposals: removed.map((each) => ({ proposalType: 'remove', remove: { removed: each } })),
          authenticatedData,
        },
      );
      return { commit: encodeMlsMessage(commit), state: pruneState(newState, crypto) };
    },

    join: async ({ message, members }, device, { removed = [], wrongLeaves = [] } = {}) => {
      const crypto = await createMlsCrypto(suite, {
        hpke: wrongFor(keysAbove(treeOf(message), wrongLeaves)),
      });
      const { publicPackage, privatePackage } = await createKeyPackage(device, crypto);
      const victim = members.find(({ leaf }) => removed.includes(leaf));
      if (removed.length > 1 || (removed.length === 1 && victim === undefined))
        throw new TypeError('the library removes one leaf, which has to be there');
      const { publicMessage, newState } = await joinGroupExternal(
        message,
        publicPackage,
        privatePackage,
        victim !== undefined,
        crypto.ciphersuite(device),
        undefined,
        {
          ...crypto.clientConfig,
          keyPackageEqualityConfig: {
            ...crypto.clientConfig.keyPackageEqualityConfig,
            // The library replaces this leaf, whosever it is.
            compareKeyPackageToLeafNode: (_keyPackage, leaf) =>
              toBase64url(leaf.signaturePublicKey) === victim?.device,
          },
        },
        NO_DATA,
      );
      const commit = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage });
      return { commit, state: pruneState(newState, crypto) };
    },

    alter: async (state, commit, change, signer) => forge(state, commit, change, signer),

    inEpoch: (state, epoch) =>
      Promise.resolve({ ...state, groupContext: { ...state.groupContext, epoch: BigInt(epoch) } }),

    opensSecretOf: async (state, commit) => {
      const parsed = parseMlsCommit(commit);
      const verified = parsed && (await verifyMlsCommit(state, parsed, honest));
      if (verified?.kind !== 'verified') throw new TypeError('a commit that ends the epoch of the state');
      const { confirmedTranscriptHash } = state.groupContext;
      const context = encodeGroupContext({ ...verified.next.groupContext, confirmedTranscriptHash });
      const { hpke } = honest.ciphersuite();
      const secrets = (parsed?.path.nodes ?? []).flatMap(({ encryptedPathSecret }) => encryptedPathSecret);
      for (const bytes of Object.values(state.privatePath.privateKeys)) {
        const key: unknown = await hpke.importPrivateKey(bytes);
        for (const { kemOutput, ciphertext } of secrets) {
          const isOpen = await decryptWithLabel(
            key,
            'UpdatePathNode',
            context,
            kemOutput,
            ciphertext,
            hpke,
          ).then(
            () => true,
            () => false,
          );
          if (isOpen) return true;
        }
      }
      return false;
    },
  };
};
