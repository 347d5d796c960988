import type { Device, StarState } from '../../../streams/client/group/index.js';
import {
  type CommitContent,
  formatCommit,
  formatCommitContent,
  formatSignedCommit,
  parseCommit,
} from '../../../streams/client/group/starCommit.js';
import type { PublicGroup } from '../../../streams/client/group/starGroup.js';
import {
  type CommitProposal,
  type StarCrypto,
  stageCommit,
} from '../../../streams/client/group/starTransition.js';
import { formatCommitData, NO_COMMIT_DATA } from '../../../streams/client/group/commitData.js';
import type { Frame } from '../../../streams/client/group/frame.js';
import { beginEpoch } from '../../../streams/client/group/groupEpoch.js';
import { formatUpdateData } from '../../../streams/client/group/groupInfoData.js';
import { flipBit } from '../cryptoSuites.js';
import { commitFrame, type StarDevice } from './starRoom.js';

/** Changes the content of a commit and signs it again, with the old confirmation tag. */
export const alterCommit = (
  commit: Uint8Array,
  change: (content: CommitContent) => Partial<CommitContent>,
  signer: Device,
  group: PublicGroup,
  { labelled }: StarCrypto,
): Uint8Array => {
  const parsed = parseCommit(commit);
  if (parsed === undefined) throw new TypeError('not a commit');
  const content = formatCommitContent({ ...parsed, ...change(parsed) });
  const signature = labelled.signWithLabel(signer, 'commit', formatSignedCommit(group, content));
  return formatCommit(content, signature, parsed.confirmationTag);
};

/** Makes a commit by the protocol alone, without the checks of the engine and of the rules. */
export const forgeCommit = (
  group: PublicGroup,
  proposal: Partial<CommitProposal> & Pick<CommitProposal, 'device' | 'index' | 'initSecret'>,
  crypto: StarCrypto,
): { readonly commit: Uint8Array; readonly state: StarState } => {
  const authenticatedData = formatCommitData(NO_COMMIT_DATA);
  const staged = stageCommit(
    group,
    { removed: [], authenticatedData, externalInit: undefined, ...proposal },
    crypto,
  );
  if (staged === undefined) throw new TypeError('a key of the group cannot be used');
  return staged;
};

/** Cryptography that encrypts the commit secret wrongly for some recipients, by their order. */
export const wrongFor = (crypto: StarCrypto, recipients: readonly number[]): StarCrypto => {
  let count = 0;
  return {
    ...crypto,
    labelled: {
      ...crypto.labelled,
      encryptWithLabel: (publicKey, label, context, plaintext) => {
        const sealed = crypto.labelled.encryptWithLabel(publicKey, label, context, plaintext);
        const isWrong = recipients.includes(count);
        count += 1;
        return sealed && isWrong ? { ...sealed, ciphertext: flipBit(sealed.ciphertext, 0) } : sealed;
      },
    },
  };
};

/** The frame of a forged commit, with the right group info update. */
export const frameOf = (
  { context }: StarDevice,
  { commit, state }: { readonly commit: Uint8Array; readonly state: StarState },
): Frame => {
  const { epoch } = beginEpoch(context, state, { committer: undefined, start: 0 });
  const update = context.engine.formatGroupInfoUpdate(state, context.device, formatUpdateData(epoch));
  return commitFrame(commit, update);
};
