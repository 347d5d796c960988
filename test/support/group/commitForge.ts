import {
  createHpke,
  type CryptoSuite,
  type Device,
  type StarState,
} from '../../../streams/client/group/index.js';
import { createLabelledCrypto } from '../../../streams/client/group/labels.js';
import {
  formatCommit,
  formatCommitContent,
  formatSignedCommit,
  parseCommit,
} from '../../../streams/client/group/starCommit.js';

/** What a dishonest committer changes in a commit. */
export interface CommitChange {
  readonly removed?: readonly number[];
  readonly authenticatedData?: Uint8Array;
  readonly signatureKey?: Uint8Array;
  readonly encryptionKey?: Uint8Array;
  readonly credential?: Uint8Array;
  readonly externalInit?: Uint8Array;
}

/**
 * Changes a commit, as its committer can do by the protocol alone, and signs it as another or the same device. The
 * confirmation tag stays. The state is of a member of the epoch that the commit ends.
 */
export type CommitForge<State> = (
  state: State,
  commit: Uint8Array,
  change: CommitChange,
  signer: Device,
) => Uint8Array | Promise<Uint8Array>;

export const createStarForge = (suite: CryptoSuite): CommitForge<StarState> => {
  const labelled = createLabelledCrypto(suite, createHpke(suite));
  return ({ group }, commit, { removed, authenticatedData, externalInit, ...leafChange }, signer) => {
    const parsed = parseCommit(commit);
    if (parsed === undefined) throw new TypeError('not a commit');
    const content = formatCommitContent({
      ...parsed,
      removed: removed ?? parsed.removed,
      authenticatedData: authenticatedData ?? parsed.authenticatedData,
      externalInit: externalInit ?? parsed.externalInit,
      leafNode: { ...parsed.leafNode, ...leafChange },
    });
    const signature = labelled.signWithLabel(signer, 'commit', formatSignedCommit(group, content));
    return formatCommit(content, signature, parsed.confirmationTag);
  };
};
