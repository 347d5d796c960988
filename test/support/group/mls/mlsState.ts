import { type ClientState, decodeGroupState, encodeGroupState } from 'ts-mls';
import { decodeRatchetTree, encodeRatchetTree } from 'ts-mls/ratchetTree.js';
import { equalBytes } from '../../../../streams/client/group/bytes.js';
import { decodeAll, leafAt, type MlsCrypto } from './ciphersuite.js';

const DROPPED = new Uint8Array(0);

/**
 * Returns a state without what this engine does not use: the keys of messages, of earlier epochs and of blank nodes.
 *
 * The library retains the private keys of nodes that became blank or got another key.
 */
export const pruneState = (state: ClientState, { clientConfig, suite }: MlsCrypto): ClientState => {
  // The library adds fields of its own to leaves that it signs; the format has none of them.
  const [ratchetTree] = decodeRatchetTree(encodeRatchetTree(state.ratchetTree), 0) ?? [];
  if (ratchetTree === undefined) throw new Error('the ratchet tree cannot be formatted');
  const isCurrent = ([at, privateKey]: [string, Uint8Array]): boolean => {
    const node = ratchetTree[Number(at)];
    const publicKey = node?.nodeType === 'leaf' ? node.leaf.hpkePublicKey : node?.parent.hpkePublicKey;
    return publicKey !== undefined && equalBytes(suite.x25519.publicKey(privateKey), publicKey);
  };
  return {
    ...state,
    ratchetTree,
    clientConfig,
    signaturePrivateKey: DROPPED,
    historicalReceiverData: new Map(),
    secretTree: [],
    unappliedProposals: {},
    privatePath: {
      ...state.privatePath,
      privateKeys: Object.fromEntries(Object.entries(state.privatePath.privateKeys).filter(isCurrent)),
    },
    keySchedule: {
      ...state.keySchedule,
      senderDataSecret: DROPPED,
      confirmationKey: DROPPED,
      resumptionPsk: DROPPED,
    },
  };
};

export const hasExporterSecret = ({ keySchedule }: ClientState): boolean =>
  keySchedule.exporterSecret.length > 0;

export const withoutExporterSecret = (state: ClientState): ClientState => ({
  ...state,
  keySchedule: { ...state.keySchedule, exporterSecret: DROPPED },
});

export const formatMlsState = (state: ClientState): Uint8Array => encodeGroupState(state);

/** Parses the format of `formatMlsState`, or returns `undefined` if the bytes are not one. */
export const parseMlsState = (bytes: Uint8Array, { clientConfig }: MlsCrypto): ClientState | undefined => {
  const state = decodeAll(bytes, decodeGroupState, encodeGroupState);
  return state && leafAt(state.ratchetTree, state.privatePath.leafIndex) && { ...state, clientConfig };
};
