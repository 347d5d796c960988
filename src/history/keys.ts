/** Keys in the store, in their order: `m` and a room, `r` and a room and a position, `v`. */

const ROOM = 0x6d;
const RECORD = 0x72;
const POSITION_BYTES = 8;
const LONGEST_NAME = 255;
const TWO_TO_32 = 2 ** 32;

/** The key of the version record. */
export const VERSION_KEY: Uint8Array = Uint8Array.of(0x76);

/** Where the keys of all rooms begin, and where they are over. */
export const ROOMS_FROM: Uint8Array = Uint8Array.of(ROOM);
export const ROOMS_TO: Uint8Array = Uint8Array.of(ROOM + 1);

/** What a key is of. */
export const kindOf = (key: Uint8Array): 'room' | 'record' | 'version' | undefined => {
  if (key[0] === ROOM) return 'room';
  if (key[0] === RECORD) return 'record';
  return key.length === 1 && key[0] === VERSION_KEY[0] ? 'version' : undefined;
};

/** The key of what is known of a room. Throws `RangeError` where its name is longer than 255 bytes. */
export const roomKey = (room: string): Uint8Array => {
  const name = nameBytes(room);
  const key = Buffer.alloc(1 + name.length);
  key[0] = ROOM;
  key.set(name, 1);
  return key;
};

/** The room that a room's key names. */
export const roomOf = (key: Uint8Array): string => Buffer.from(key.subarray(1)).toString();

/** The key of the record that begins with a position; in one room the keys are in the order of positions. */
export const recordKey = (room: string, position: number): Uint8Array => {
  const name = nameBytes(room);
  const key = Buffer.alloc(2 + name.length + POSITION_BYTES);
  key[0] = RECORD;
  // The length stands before the name, so that no key of a room begins like one of another.
  key[1] = name.length;
  key.set(name, 2);
  key.writeUInt32BE(Math.floor(position / TWO_TO_32), 2 + name.length);
  key.writeUInt32BE(position % TWO_TO_32, 2 + name.length + 4);
  return key;
};

/** The room that a record's key names. */
export const roomOfRecord = (key: Uint8Array): string =>
  Buffer.from(key.subarray(2, -POSITION_BYTES)).toString();

/** The position that a record's key names. */
export const positionOf = (key: Uint8Array): number => {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const at = key.byteLength - POSITION_BYTES;
  return at < 0 ? 0 : view.getUint32(at) * TWO_TO_32 + view.getUint32(at + 4);
};

const nameBytes = (room: string): Uint8Array => {
  const name = Buffer.from(room);
  if (name.length > LONGEST_NAME)
    throw new RangeError(`a room's name is longer than ${LONGEST_NAME} bytes: ${name.length}`);
  return name;
};
