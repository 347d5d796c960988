import {
  type ClientState,
  emptyPskIndex,
  generateKeyPackageWithKey,
  type GroupContext,
  type KeyPackage,
  type PrivateKeyPackage,
  processPublicMessage,
} from 'ts-mls';
import { verifyMembershipTag } from 'ts-mls/authenticatedContent.js';
import { toTbs } from 'ts-mls/framedContent.js';
import { encodeGroupContext } from 'ts-mls/groupContext.js';
import { CryptoVerificationError } from 'ts-mls/mlsError.js';
import { equalBytes } from '../../../../streams/client/group/bytes.js';
import type { CommitFailure, Device, Member } from '../../../../streams/client/group/index.js';
import { CAPABILITIES, type MlsCrypto } from './ciphersuite.js';
import type { ParsedMlsCommit } from './mlsCommit.js';
import { pruneState } from './mlsState.js';

/** Leaves do not expire: the layer above removes them. */
const FOREVER = { notBefore: 0n, notAfter: 2n ** 63n - 1n };

/** Creates the key package of a device. Throws a `TypeError` if its credential does not certify it. */
export const createKeyPackage = async (
  device: Device,
  { ciphersuite, ownerOf }: MlsCrypto,
): Promise<{ owner: Omit<Member, 'leaf'>; publicPackage: KeyPackage; privatePackage: PrivateKeyPackage }> => {
  const { publicPackage, privatePackage } = await generateKeyPackageWithKey(
    { credentialType: 'basic', identity: device.credential },
    CAPABILITIES,
    FOREVER,
    [],
    { publicKey: device.publicKey, signKey: new Uint8Array(0) },
    ciphersuite(device),
  );
  const owner = ownerOf(publicPackage.leafNode);
  if (owner === undefined) throw new TypeError('the credential does not certify the device');
  return { owner, publicPackage, privatePackage };
};

/** Finds the leaf that a device replaces: the one with its key, or else with its identity and label. */
export const findReplaced = (members: readonly Member[], own: Omit<Member, 'leaf'>): Member | undefined => {
  const ofPerson = members.filter(({ identity }) => identity === own.identity);
  return (
    ofPerson.find(({ device }) => device === own.device) ?? ofPerson.find(({ label }) => label === own.label)
  );
};

/** Whether the tag of a member's commit is right: only members of the epoch can make one. */
export const isMembershipTagValid = async (
  { keySchedule, groupContext }: ClientState,
  { message, content }: ParsedMlsCommit,
  { ciphersuite }: MlsCrypto,
): Promise<boolean> =>
  message.senderType !== 'member' ||
  verifyMembershipTag(
    keySchedule.membershipKey,
    { contentTbs: toTbs(content, 'mls_public_message', groupContext), auth: message.auth },
    message.membershipTag,
    ciphersuite().hash,
  );

/** Lets the library apply a verified commit. Returns why it is invalid for this member alone. */
export const applyMlsCommit = async (
  state: ClientState,
  message: ParsedMlsCommit['message'],
  crypto: MlsCrypto,
): Promise<ClientState | CommitFailure> => {
  try {
    const { newState } = await processPublicMessage(state, message, emptyPskIndex, crypto.ciphersuite());
    return pruneState(newState, crypto);
  } catch (error) {
    return error instanceof CryptoVerificationError ? 'invalid confirmation tag' : 'invalid commit secret';
  }
};

export const equalContexts = (one: GroupContext, other: GroupContext): boolean =>
  equalBytes(encodeGroupContext(one), encodeGroupContext(other));
