import { concatBytes, lengthPrefixed, u16, u32, u8 } from '../../../streams/client/group/bytes.js';
import { formatCommitData, parseCommitData } from '../../../streams/client/group/commitData.js';
import type { CommitFrame } from '../../../streams/client/group/frame.js';
import type { Device } from '../../../streams/client/group/index.js';
import { formatCommit, formatSignedCommit, parseCommit } from '../../../streams/client/group/starCommit.js';
import type { PublicGroup } from '../../../streams/client/group/starGroup.js';
import { formatGroupInfoUpdate } from '../../../streams/client/group/starGroupInfo.js';
import type { StarCrypto } from '../../../streams/client/group/starTransition.js';
import type { Random } from '../../fuzz/random.js';
import { fromHex, SMALL_ORDER_X25519_KEYS } from '../cryptoSuites.js';

const SMALL_ORDER_KEYS = SMALL_ORDER_X25519_KEYS.map(fromHex);
const COUNTS = [0, 1, 2, 3, 4, 255, 256, 1023, 1024, 65_535];
const NUMBERS = [0, 1, 2, 3, 4, 199, 200, 1024, 65_535];
const EPOCHS = [0, 1, 2, 3, 4, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1];

/** Changes one byte. */
const bendByte = (bytes: Uint8Array, random: Random, at = random.below(bytes.length)): Uint8Array => {
  const bent = bytes.slice();
  const byte = bent[at] ?? 0;
  const other = random.pick([0, 255, byte + 1, byte - 1, byte ^ (1 << random.below(8))]);
  bent[at] = (other & 255) === byte ? byte ^ 1 : other;
  return bent;
};

/** Replaces bytes: bent, all zero, all ones, of small order, of other bytes, longer or shorter. */
const bendBytes = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array =>
  random.pick([
    () => (bytes.length === 0 ? u8(1) : bendByte(bytes, random)),
    () => new Uint8Array(bytes.length),
    () => new Uint8Array(bytes.length).fill(255),
    () => random.pick(others),
    () => bytes.slice(0, random.below(bytes.length + 1)),
    () => concatBytes(bytes, new Uint8Array(random.pick([1, 32, 1000]))),
  ])();

/** Replaces a key by another one of the same length. */
const bendKey = (key: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array =>
  random.pick([
    () => bendByte(key, random),
    () => random.pick(SMALL_ORDER_KEYS),
    () => random.pick(others),
  ])();

/** Changes the byte at `at` of a formatted frame. */
export const bendFrame = (formatted: Uint8Array, random: Random, at: number): Uint8Array =>
  bendByte(formatted, random, at);

/** What a fuzzer knows of a group: its public part, and the devices that sign for it. */
export interface BendContext {
  readonly group: PublicGroup;
  readonly devices: readonly Device[];
  readonly crypto: StarCrypto;
}

/** Changes one field of a commit, and signs it again with the key of a device; perhaps also its update, for the new content. */
export const bendCommit = (
  frame: CommitFrame,
  random: Random,
  { group, devices, crypto }: BendContext,
): CommitFrame => {
  const parsed = parseCommit(frame.commit);
  if (parsed === undefined) throw new TypeError('not a commit');
  const { labelled } = crypto;
  const leafKeys = group.leaves.flatMap(({ signatureKey, encryptionKey }) => [signatureKey, encryptionKey]);
  const keys = [...leafKeys, ...devices.map(({ publicKey }) => publicKey)];
  const credentials = devices.map(({ credential }) => credential);
  const { leafNode } = parsed;
  const fields = {
    version: u8(1),
    type: u8(parsed.externalInit === undefined ? 1 : 2),
    groupId: parsed.groupId,
    epoch: u32(parsed.epoch),
    removed: parsed.removed.map(u16),
    removedCount: u16(parsed.removed.length),
    authenticatedData: parsed.authenticatedData,
    leaf: u16(leafNode.index),
    signatureKey: leafNode.signatureKey,
    encryptionKey: leafNode.encryptionKey,
    credential: leafNode.credential,
    externalInit: parsed.externalInit ?? new Uint8Array(0),
    secrets: parsed.encryptedSecrets.map(({ kemOutput, ciphertext }) => concatBytes(kemOutput, ciphertext)),
    secretsCount: u16(parsed.encryptedSecrets.length),
  };
  const bent = { ...fields };
  const { secrets, removed } = fields;
  random.pick([
    () => (bent.version = u8(random.below(256))),
    () => (bent.type = u8(random.pick([0, 1, 2, 3, 255]))),
    () => (bent.groupId = bendBytes(fields.groupId, random, keys)),
    () => (bent.epoch = u32(random.pick(EPOCHS))),
    () => (bent.removedCount = u16(random.pick(COUNTS))),
    () => {
      bent.removed = Array.from({ length: random.below(5) }, () => u16(random.pick(NUMBERS)));
      bent.removedCount = u16(bent.removed.length);
    },
    () => (bent.removed = [...removed, u16(random.pick(NUMBERS))]),
    () => (bent.authenticatedData = bendBytes(fields.authenticatedData, random, keys)),
    () => (bent.authenticatedData = bendData(fields.authenticatedData, random)),
    () => (bent.leaf = u16(random.pick(NUMBERS))),
    () => (bent.signatureKey = bendKey(fields.signatureKey, random, keys)),
    () => (bent.encryptionKey = bendKey(fields.encryptionKey, random, keys)),
    () => (bent.credential = bendBytes(fields.credential, random, credentials)),
    () => (bent.externalInit = bendBytes(fields.externalInit, random, [...keys, ...SMALL_ORDER_KEYS])),
    () => (bent.secretsCount = u16(random.pick(COUNTS))),
    () => {
      bent.secrets = random.pick([
        secrets.slice(1),
        [...secrets].reverse(),
        [...secrets, ...secrets.slice(0, 1)],
        [],
      ]);
      bent.secretsCount = u16(bent.secrets.length);
    },
    () => {
      const at = random.below(Math.max(1, secrets.length));
      const secret = secrets[at] ?? new Uint8Array(80);
      const kem = random.pick([secret.slice(0, 32), ...SMALL_ORDER_KEYS, new Uint8Array(32).fill(9)]);
      bent.secrets = secrets.with(
        at % Math.max(1, secrets.length),
        concatBytes(kem, bendByte(secret.slice(32), random)),
      );
    },
  ])();
  const content = concatBytes(
    bent.version,
    bent.type,
    lengthPrefixed(bent.groupId),
    bent.epoch,
    bent.removedCount,
    ...bent.removed,
    lengthPrefixed(bent.authenticatedData),
    bent.leaf,
    bent.signatureKey,
    bent.encryptionKey,
    lengthPrefixed(bent.credential),
    bent.externalInit,
    bent.secretsCount,
    ...bent.secrets,
  );
  const owner = devices.find(({ publicKey }) => String(publicKey) === String(bent.signatureKey));
  const signer = random.pick([owner ?? random.pick(devices), random.pick(devices)]);
  const signature = labelled.signWithLabel(signer, 'commit', formatSignedCommit(group, content));
  const tag = random.pick([parsed.confirmationTag, bendByte(parsed.confirmationTag, random)]);
  return { ...frame, commit: formatCommit(content, signature, tag) };
};

/** Changes the data of a commit in its format. */
const bendData = (bytes: Uint8Array, random: Random): Uint8Array => {
  const data = parseCommitData(bytes) ?? { leaves: [] };
  const grant = { lastEpoch: random.pick(EPOCHS), signature: new Uint8Array(64).fill(random.below(256)) };
  const leave = { ...grant, device: random.pick(SMALL_ORDER_KEYS) };
  return formatCommitData(
    random.pick([
      { ...data, grant },
      { ...data, leaves: Array.from({ length: random.pick([1, 2, 200]) }, () => leave) },
      { ...data, inviteSecretHash: new Uint8Array(32).fill(random.below(256)) },
    ]),
  );
};

/** Makes a group info update with other fields, signed by a device. */
export const forgeUpdate = (
  group: PublicGroup,
  random: Random,
  { devices, crypto }: BendContext,
): Uint8Array =>
  formatGroupInfoUpdate(
    group,
    {
      externalKey: random.pick([...SMALL_ORDER_KEYS, new Uint8Array(32).fill(9)]),
      applicationData: new Uint8Array(random.pick([0, 33, 73, 1000])),
      signer: random.pick(NUMBERS),
    },
    random.pick(devices),
    crypto.labelled,
  );
