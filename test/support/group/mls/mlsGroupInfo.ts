import {
  createGroupInfoWithExternalPubAndRatchetTree,
  type ClientState,
  type Extension,
  type GroupInfo as MlsGroupInfoMessage,
} from 'ts-mls';
import { validateRatchetTree } from 'ts-mls/clientState.js';
import {
  decodeGroupInfo,
  encodeGroupInfo,
  ratchetTreeFromExtension,
  verifyGroupInfoSignature,
} from 'ts-mls/groupInfo.js';
import { decodeRatchetTree, encodeRatchetTree } from 'ts-mls/ratchetTree.js';
import {
  type ByteReader,
  concatBytes,
  equalBytes,
  lengthPrefixed,
  parseBytes,
  u32,
} from '../../../../streams/client/group/bytes.js';
import type { Device, GroupInfo } from '../../../../streams/client/group/index.js';
import { MAX_LEAVES } from '../../../../streams/client/group/starGroup.js';
import { CIPHERSUITE, decodeAll, leafAt, membersOf, type MlsCrypto } from './ciphersuite.js';
import { MAX_EPOCH, type MlsGroup } from './mlsCommit.js';

/** A verified group info. */
export interface MlsGroupInfo extends GroupInfo {
  /** The message of MLS, with the ratchet tree. */
  readonly message: MlsGroupInfoMessage;
}

/** The part of a group info that a newcomer cannot compute: not verified. */
interface Update {
  readonly externalKey: Uint8Array;
  readonly applicationData: Uint8Array;
  readonly signer: number;
  readonly signature: Uint8Array;
}

/** A type of extension for private use, in which the layer above has its bytes. */
const APPLICATION_DATA = 0xf2c2;

export const formatMlsGroupInfo = async (
  state: ClientState,
  device: Device,
  applicationData: Uint8Array,
  { ciphersuite }: MlsCrypto,
): Promise<Uint8Array> =>
  encodeGroupInfo(
    await createGroupInfoWithExternalPubAndRatchetTree(
      state,
      [{ extensionType: APPLICATION_DATA, extensionData: applicationData }],
      ciphersuite(device),
    ),
  );

const formatUpdate = ({ externalKey, applicationData, signer, signature }: Update): Uint8Array =>
  concatBytes(
    lengthPrefixed(externalKey),
    lengthPrefixed(applicationData),
    u32(signer),
    lengthPrefixed(signature),
  );

const readUpdate = (reader: ByteReader): Update => ({
  externalKey: reader.lengthPrefixed(),
  applicationData: reader.lengthPrefixed(),
  signer: reader.u32(),
  signature: reader.lengthPrefixed(),
});

/** Returns the update of a group info, or `undefined` if its extensions are not those of this engine. */
const updateOf = ({ extensions, signer, signature }: MlsGroupInfoMessage): Update | undefined => {
  const [data, external, tree, ...rest] = extensions;
  return data?.extensionType === APPLICATION_DATA &&
    external?.extensionType === 'external_pub' &&
    tree?.extensionType === 'ratchet_tree' &&
    rest.length === 0
    ? { externalKey: external.extensionData, applicationData: data.extensionData, signer, signature }
    : undefined;
};

/** Composes the message that a group and an update stand for. */
const composeMessage = (
  { groupContext, ratchetTree, confirmationTag }: MlsGroup,
  { externalKey, applicationData, signer, signature }: Update,
): MlsGroupInfoMessage => {
  const extensions: Extension[] = [
    { extensionType: APPLICATION_DATA, extensionData: applicationData },
    { extensionType: 'external_pub', extensionData: externalKey },
    { extensionType: 'ratchet_tree', extensionData: encodeRatchetTree(ratchetTree) },
  ];
  return { groupContext, extensions, confirmationTag, signer, signature };
};

const isSignedByMember = async (
  message: MlsGroupInfoMessage,
  { ratchetTree }: Pick<MlsGroup, 'ratchetTree'>,
  { ciphersuite }: MlsCrypto,
): Promise<boolean> => {
  const signer = leafAt(ratchetTree, message.signer);
  return (
    signer !== undefined &&
    (await verifyGroupInfoSignature(message, signer.signaturePublicKey, ciphersuite().signature))
  );
};

const toGroupInfo = (group: MlsGroup, update: Update, crypto: MlsCrypto): MlsGroupInfo => ({
  groupId: group.groupContext.groupId,
  epoch: Number(group.groupContext.epoch),
  members: membersOf(group.ratchetTree, crypto),
  signer: update.signer,
  applicationData: update.applicationData,
  message: composeMessage(group, update),
});

/** Returns the ratchet tree of a group info. */
export const treeOf = (message: MlsGroupInfoMessage): MlsGroup['ratchetTree'] => {
  const tree = ratchetTreeFromExtension(message);
  if (tree === undefined) throw new Error('the group info has no ratchet tree');
  return tree;
};

export const groupOf = (message: MlsGroupInfoMessage): MlsGroup => ({
  groupContext: message.groupContext,
  ratchetTree: treeOf(message),
  confirmationTag: message.confirmationTag,
});

/** Verifies and parses a group info, or returns `undefined` if it is invalid. */
export const parseMlsGroupInfo = async (
  bytes: Uint8Array,
  crypto: MlsCrypto,
): Promise<MlsGroupInfo | undefined> => {
  const message = decodeAll(bytes, decodeGroupInfo, encodeGroupInfo);
  const update = message && updateOf(message);
  if (message === undefined || update === undefined) return undefined;
  const { groupContext, extensions } = message;
  const ratchetTree = decodeAll(
    extensions[2]?.extensionData ?? new Uint8Array(0),
    decodeRatchetTree,
    encodeRatchetTree,
  );
  if (
    ratchetTree === undefined ||
    groupContext.cipherSuite !== CIPHERSUITE ||
    groupContext.extensions.length > 0 ||
    groupContext.epoch > BigInt(MAX_EPOCH)
  )
    return undefined;
  const leaves = ratchetTree.flatMap((node) => (node?.nodeType === 'leaf' ? [node.leaf] : []));
  if (
    leaves.length > MAX_LEAVES ||
    !leaves.every((leaf) => crypto.isPlain(leaf) && crypto.ownerOf(leaf) !== undefined)
  )
    return undefined;
  const { lifetimeConfig, authService } = crypto.clientConfig;
  const invalid = await validateRatchetTree(
    ratchetTree,
    groupContext,
    lifetimeConfig,
    authService,
    groupContext.treeHash,
    crypto.ciphersuite(),
  );
  const group = { groupContext, ratchetTree, confirmationTag: message.confirmationTag };
  return invalid === undefined && (await isSignedByMember(message, group, crypto))
    ? toGroupInfo(group, update, crypto)
    : undefined;
};

/** Formats the part of a group info that changes with each commit and cannot be computed from it. */
export const formatMlsGroupInfoUpdate = async (
  state: ClientState,
  device: Device,
  applicationData: Uint8Array,
  crypto: MlsCrypto,
): Promise<Uint8Array> => {
  const message = decodeGroupInfo(await formatMlsGroupInfo(state, device, applicationData, crypto), 0)?.[0];
  const update = message && updateOf(message);
  if (update === undefined) throw new Error('the group info of the engine cannot be parsed');
  return formatUpdate(update);
};

/** Computes the group info of an epoch from its update, or returns `undefined` if that is invalid. */
export const applyMlsGroupInfoUpdate = async (
  group: MlsGroup,
  bytes: Uint8Array,
  crypto: MlsCrypto,
): Promise<MlsGroupInfo | undefined> => {
  const update = parseBytes(bytes, readUpdate);
  return update && (await isSignedByMember(composeMessage(group, update), group, crypto))
    ? toGroupInfo(group, update, crypto)
    : undefined;
};

/** Whether an update is signed by a member and right about the epoch of a state. */
const isUpdateOf = async (
  state: ClientState,
  update: Update,
  applicationData: Uint8Array,
  crypto: MlsCrypto,
): Promise<boolean> => {
  const { hpke } = crypto.ciphersuite();
  const keyPair = await hpke.deriveKeyPair(state.keySchedule.externalSecret);
  return (
    equalBytes(update.externalKey, await hpke.exportPublicKey(keyPair.publicKey)) &&
    equalBytes(update.applicationData, applicationData) &&
    (await isSignedByMember(composeMessage(state, update), state, crypto))
  );
};

export const isMlsGroupInfoUpdateOf = async (
  state: ClientState,
  bytes: Uint8Array,
  applicationData: Uint8Array,
  crypto: MlsCrypto,
): Promise<boolean> => {
  const update = parseBytes(bytes, readUpdate);
  return update !== undefined && (await isUpdateOf(state, update, applicationData, crypto));
};

export const isMlsGroupInfoOf = async (
  state: ClientState,
  bytes: Uint8Array,
  applicationData: Uint8Array,
  crypto: MlsCrypto,
): Promise<boolean> => {
  const message = decodeAll(bytes, decodeGroupInfo, encodeGroupInfo);
  const update = message && updateOf(message);
  return (
    update !== undefined &&
    equalBytes(encodeGroupInfo(composeMessage(state, update)), bytes) &&
    (await isUpdateOf(state, update, applicationData, crypto))
  );
};
