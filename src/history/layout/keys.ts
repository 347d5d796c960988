/** Keys of the store in their order: `m` + room, `r` + room + position, `v`. */

const ROOM = 0x6d;
const RECORD = 0x72;
const POSITION_BYTES = 8;
const MAX_NAME_BYTES = 255;
const TWO_TO_32 = 2 ** 32;

/** Key of the version record. */
export const VERSION_KEY: Uint8Array = Uint8Array.of(0x76);

/** Start and end of the range of room keys. */
export const ROOM_KEYS_START: Uint8Array = Uint8Array.of(ROOM);
export const ROOM_KEYS_END: Uint8Array = Uint8Array.of(ROOM + 1);

/** Returns the kind of a key, or `undefined` if rxchat did not write it. */
export const keyKind = (key: Uint8Array): 'room' | 'record' | 'version' | undefined => {
  if (key[0] === ROOM) return 'room';
  if (key[0] === RECORD) return 'record';
  return key.length === 1 && key[0] === VERSION_KEY[0] ? 'version' : undefined;
};

/** Returns the key of the state of a room. Throws `RangeError` if the name is longer than 255 bytes. */
export const roomKey = (room: string): Uint8Array => {
  const name = encodeName(room);
  const key = Buffer.alloc(1 + name.length);
  key[0] = ROOM;
  key.set(name, 1);
  return key;
};

/** Returns the room of a room key. */
export const parseRoomKey = (key: Uint8Array): string => Buffer.from(key.subarray(1)).toString();

/** Returns the key of the record that starts at a position. Keys of a room sort by position. */
export const recordKey = (room: string, position: number): Uint8Array => {
  const name = encodeName(room);
  const key = Buffer.alloc(2 + name.length + POSITION_BYTES);
  key[0] = RECORD;
  // The length precedes the name, so that no key is a prefix of a key of another room.
  key[1] = name.length;
  key.set(name, 2);
  key.writeUInt32BE(Math.floor(position / TWO_TO_32), 2 + name.length);
  key.writeUInt32BE(position % TWO_TO_32, 2 + name.length + 4);
  return key;
};

/** Returns a short label of a room for error messages. */
export const roomLabel = (room: string): string =>
  `room ${room.length > 10 ? `${room.slice(0, 8)}...` : room}`;

/** Returns the room of a record key. */
export const parseRecordRoom = (key: Uint8Array): string =>
  Buffer.from(key.subarray(2, -POSITION_BYTES)).toString();

/** Returns the position of a record key. */
export const parseRecordPosition = (key: Uint8Array): number => {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const at = key.byteLength - POSITION_BYTES;
  return at < 0 ? 0 : view.getUint32(at) * TWO_TO_32 + view.getUint32(at + 4);
};

const encodeName = (room: string): Uint8Array => {
  const name = Buffer.from(room);
  if (name.length > MAX_NAME_BYTES)
    throw new RangeError(`a room's name is longer than ${MAX_NAME_BYTES} bytes: ${name.length}`);
  return name;
};
