/**
 * Group rooms, written from section 14 of docs/protocol.md with `node:crypto` alone: what an attacker needs to read
 * handshakes and to make them. It verifies nothing.
 */
import { hkdfSync, randomBytes, sign } from 'node:crypto';
import { derivePrivateKey, expand, extract, hmac, publicKey, setupSender } from './hpke.mjs';
import { newPerson, openToken, roomOf, sha256, tokenOf } from './protocol.mjs';

const EMPTY = Buffer.alloc(0);
const ZEROS = Buffer.alloc(32);
const FRAME_LIMIT = 49_087;
/** A commit data without a grant, leave statements and a move. */
const NO_DATA = Buffer.of(1, 0, 0, 0, 0);
/** The info data of a commit: the key for external senders, no position, no committer. */
const infoData = (externalSenderKey) => Buffer.concat([externalSenderKey, Buffer.alloc(8), Buffer.of(0)]);

const u8 = (number) => Buffer.of(number);
const u16 = (number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(number);
  return bytes;
};
const u32 = (number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
};
const concat = (...parts) => Buffer.concat(parts);
const withLength = (bytes) => concat(u32(bytes.length), bytes);
const list = (items) => concat(u16(items.length), ...items);

/** The bytes are in another format. */
class FormatError extends Error {}

/** Reads values one after the other. Each method throws a `FormatError` past the end. */
class Reader {
  #at = 0;

  constructor(bytes) {
    this.bytes = bytes;
  }

  take(length) {
    this.#at += length;
    if (this.#at > this.bytes.length) throw new FormatError('the bytes are too short');
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  number(length) {
    return this.take(length).readUIntBE(0, length);
  }

  withLength() {
    return this.take(this.number(4));
  }

  list(read) {
    return Array.from({ length: this.number(2) }, read);
  }

  rest() {
    return this.bytes.subarray(this.#at);
  }
}

const vector = (bytes) =>
  concat(
    bytes.length < 64
      ? u8(bytes.length)
      : bytes.length < 2 ** 14
        ? u16(2 ** 14 + bytes.length)
        : u32(2 ** 31 + bytes.length),
    bytes,
  );
const labelled = (label, content) => concat(vector(Buffer.from(`rxchat/2 ${label}`)), vector(content));
const expandWithLabel = (secret, label, context) => expand(secret, concat(u16(32), labelled(label, context)));
const deriveSecret = (secret, label) => expandWithLabel(secret, label, EMPTY);

/** Returns the room of an invite of a group room, with its outer key. */
export const groupRoomOf = (invite) => {
  const secret = Buffer.from(/#([\w-]{43})/.exec(invite)[1], 'base64url');
  const outer = Buffer.from(hkdfSync('sha256', secret, EMPTY, 'rxchat/2 outer fernet key', 32));
  return { ...roomOf(secret), fernetKey: outer };
};

const COMMIT = 3;
const GROUP_INFOS = [2, 4];

/** Returns the token of a frame. */
export const frameToken = (type, body, room) => {
  const bytes = concat(u8(2), u8(type), withLength(body));
  const sizes = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, FRAME_LIMIT];
  const size = sizes.find((each) => each >= bytes.length);
  return tokenOf(concat(bytes, Buffer.alloc(size - bytes.length)), room);
};

/** Returns the type and the body of the frame in a token, or `undefined` if it does not open. */
export const frameOf = (token, room) => {
  const plaintext = openToken(token, room);
  return plaintext && { type: plaintext[1], body: new Reader(plaintext.subarray(2)).withLength() };
};

export const commitToken = (commit, update, room) =>
  frameToken(COMMIT, concat(withLength(commit), withLength(update), withLength(EMPTY)), room);

const readLeaf = (reader) => ({
  index: reader.number(2),
  device: reader.take(32),
  encryptionKey: reader.take(32),
  credential: reader.withLength(),
});
const formatLeaf = ({ index, device, encryptionKey, credential }) =>
  concat(u16(index), device, encryptionKey, withLength(credential));
const formatLeaves = (leaves) => list(leaves.map(formatLeaf));
const contextOf = ({ id, epoch, leaves, transcript }) =>
  concat(u8(1), withLength(id), u32(epoch), sha256(formatLeaves(leaves)), transcript);
const readUpdate = (reader) => {
  reader.take(1);
  return reader.take(32);
};

const parseCommit = (bytes) => {
  const outer = new Reader(bytes);
  const [content, signature, tag] = [outer.withLength(), outer.take(64), outer.take(32)];
  const reader = new Reader(content);
  reader.take(1);
  reader.take(1);
  reader.withLength();
  const epoch = reader.number(4);
  const removed = reader.list(() => reader.number(2));
  reader.withLength();
  return { content, signature, tag, epoch, removed, leaf: readLeaf(reader) };
};

const afterCommit = (group, removed, leaf) => ({
  ...group,
  epoch: group.epoch + 1,
  leaves: [...group.leaves.filter(({ index }) => ![...removed, leaf.index].includes(index)), leaf].sort(
    (one, other) => one.index - other.index,
  ),
});
const transcriptAfter = ({ transcript, tag }, content, signature) =>
  sha256(concat(sha256(concat(transcript, tag)), withLength(content), signature));

/** A device of a new person. */
export class Device {
  constructor(label = 'attacker') {
    const [person, device] = [newPerson(), newPerson()];
    this.privateKey = device.privateKey;
    this.key = Buffer.from(device.key, 'base64url');
    const text = Buffer.from(label);
    const signature = sign(null, concat(Buffer.from('rxchat/2 device\n'), this.key, text), person.privateKey);
    this.credential = concat(u8(1), Buffer.from(person.key, 'base64url'), signature, text);
  }

  signWithLabel(label, content) {
    return sign(null, labelled(label, content), this.privateKey);
  }
}

/** Follows the group in the tokens of a log, as a newcomer does. */
export class Follower {
  group = undefined;

  constructor(room) {
    this.room = room;
  }

  /** Reads an entry of the log. Returns the type of its frame. Bytes in another format change nothing. */
  read(token) {
    const frame = frameOf(token, this.room);
    try {
      if (GROUP_INFOS.includes(frame?.type)) this.#takeGroupInfo(new Reader(frame.body));
      if (frame?.type === COMMIT && this.group !== undefined) this.#follow(new Reader(frame.body));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
    return frame?.type;
  }

  #takeGroupInfo(reader) {
    reader.take(1);
    const [id, epoch] = [reader.withLength(), reader.number(4)];
    const leaves = reader.list(() => readLeaf(reader));
    const [transcript, tag] = [reader.take(32), reader.take(32)];
    this.group = { id, epoch, leaves, transcript, tag, externalKey: readUpdate(reader) };
  }

  #follow(reader) {
    const [commit, update] = [parseCommit(reader.withLength()), reader.withLength()];
    if (commit.epoch !== this.group.epoch || update.length === 0) return;
    this.group = {
      ...afterCommit(this.group, commit.removed, commit.leaf),
      transcript: transcriptAfter(this.group, commit.content, commit.signature),
      tag: commit.tag,
      externalKey: readUpdate(new Reader(update)),
    };
  }
}

/**
 * Makes a commit with new keys. `leaf` replaces fields of the committer's leaf, `wrongFor` names the leaves that get another
 * secret.
 */
const stage = (
  group,
  device,
  { index, removed, externalInit, initSecret, leaf: fields = {}, wrongFor = [] },
) => {
  const privateKey = derivePrivateKey(randomBytes(32));
  const commitSecret = randomBytes(32);
  const leaf = {
    index,
    device: device.key,
    encryptionKey: publicKey(privateKey),
    credential: device.credential,
    ...fields,
  };
  const after = afterCommit(group, removed, leaf);
  const info = labelled('commit secret', contextOf(after));
  const secrets = after.leaves
    .filter((each) => each.index !== index)
    .map((each) => {
      const { kemOutput, seal } = setupSender(each.encryptionKey, info);
      return concat(kemOutput, seal(wrongFor.includes(each.index) ? randomBytes(32) : commitSecret));
    });
  const content = concat(
    u8(1),
    u8(externalInit === undefined ? 1 : 2),
    withLength(group.id),
    u32(group.epoch),
    list(removed.map(u16)),
    withLength(NO_DATA),
    formatLeaf(leaf),
    externalInit ?? EMPTY,
    list(secrets),
  );
  const signature = device.signWithLabel('commit', concat(contextOf(group), content));
  const next = { ...after, transcript: transcriptAfter(group, content, signature) };
  const joiner = expandWithLabel(extract(initSecret, commitSecret), 'joiner', contextOf(next));
  const epochSecret = expandWithLabel(extract(joiner, ZEROS), 'epoch', contextOf(next));
  next.tag = hmac(deriveSecret(epochSecret, 'confirm'), next.transcript);
  const exporter = deriveSecret(epochSecret, 'exporter');
  const exported = (label) => expandWithLabel(deriveSecret(exporter, label), 'exported', sha256(group.id));
  next.externalKey = publicKey(derivePrivateKey(deriveSecret(epochSecret, 'external')));
  const data = infoData(publicKey(derivePrivateKey(exported('external senders'))));
  const signed = concat(contextOf(next), next.tag, next.externalKey, withLength(data), u16(index));
  const update = concat(
    u8(1),
    next.externalKey,
    withLength(data),
    u16(index),
    device.signWithLabel('group info', signed),
  );
  return {
    commit: concat(withLength(content), signature, next.tag),
    update,
    member: { group: next, index, device, initSecret: deriveSecret(epochSecret, 'init') },
  };
};

/** Makes an external commit, by which a device joins. */
export const joinCommit = (group, device, { removed = [], ...options } = {}) => {
  const { kemOutput, exportSecret } = setupSender(group.externalKey, EMPTY);
  const taken = group.leaves.flatMap(({ index }) => (removed.includes(index) ? [] : [index]));
  const index = Array.from({ length: taken.length + 1 }, (_, at) => at).find((at) => !taken.includes(at));
  const initSecret = exportSecret('rxchat/2 external init secret');
  return stage(group, device, { index, removed, externalInit: kemOutput, initSecret, ...options });
};

/** Makes a commit of a member. */
export const memberCommit = ({ group, index, device, initSecret }, { removed = [], ...options } = {}) =>
  stage(group, device, { index, removed, initSecret, ...options });
