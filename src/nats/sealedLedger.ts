import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { defer, map, mergeMap, type Observable, of, EMPTY } from 'rxjs';
import type {
  Ledger,
  LedgerRecord,
  RecordCache,
  ReservationRecords,
} from '../../streams/relay/cluster/ledger.js';

export const STORE_KEY_BYTES = 32;

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a record that does not open becomes: no bytes, which is not a valid batch. */
const INVALID = new Uint8Array();

/** Identifies a key in the settings of a store, so that a relay with another key notices. */
export const storeKeyId = (key: Uint8Array): string =>
  createHmac('sha256', key).update('rxchat store key id').digest('hex').slice(0, 16);

/**
 * Encrypts what a ledger stores and sends. The engine then sees sizes, times and pseudonyms of rooms.
 *
 * A room's pseudonym is an HMAC of its name. Its records are sealed with AES-256-GCM under a key of the room, with a random
 * nonce and the pseudonym as additional data. A record that does not open has no bytes, so that the chain skips it. Messages
 * between relays are sealed for their receiver, and dropped if they do not open.
 */
export const sealedLedger = (ledger: Ledger, key: Uint8Array): Ledger => {
  const openRecord = (box: Box, record: LedgerRecord): LedgerRecord => ({
    ...record,
    bytes: box.open(record.bytes) ?? INVALID,
    sealed: record.bytes,
  });
  /** Derives the keys of a room when it is subscribed. */
  const withRoom = <T>(room: string, use: (pseudonym: string, box: Box) => Observable<T>): Observable<T> =>
    defer(() => {
      const pseudonym = roomPseudonym(key, room);
      return use(pseudonym, roomBox(key, pseudonym));
    });
  const seal = (records: ReservationRecords): ReservationRecords => ({
    append: (room, bytes, expectedLast) =>
      withRoom(room, (pseudonym, box) => records.append(pseudonym, box.seal(bytes), expectedLast)),
    last: (room, options) =>
      withRoom(room, (pseudonym, box) =>
        records.last(pseudonym, options).pipe(map((record) => record && openRecord(box, record))),
      ),
  });
  const received = createBox(key, `relay ${ledger.relayId}`);
  return {
    durability: ledger.durability,
    maxAgeMs: ledger.maxAgeMs,
    relayId: ledger.relayId,
    ...seal(ledger),
    reservations: seal(ledger.reservations),
    cache: ledger.cache && sealedCache(ledger.cache, key),
    read: (room, address, options) =>
      withRoom(room, (pseudonym, box) =>
        ledger.read(pseudonym, address, options).pipe(map((record) => openRecord(box, record))),
      ),
    follow: (room) =>
      withRoom(room, (pseudonym, box) =>
        ledger
          .follow(pseudonym)
          .pipe(map((record) => (record === 'missed' ? record : openRecord(box, record)))),
      ),
    send: (relayId, bytes) => {
      ledger.send(relayId, createBox(key, `relay ${relayId}`).seal(bytes));
    },
    received$: ledger.received$.pipe(
      mergeMap((sealed) => {
        const bytes = received.open(sealed);
        return bytes === undefined ? EMPTY : of(bytes);
      }),
    ),
    isAlive: (relayId) => ledger.isAlive(relayId),
    presence$: ledger.presence$,
  };
};

/** Opens records as they are read from a cache, which has them as the engine does: sealed, under the pseudonym of the room. */
const sealedCache = (cache: RecordCache, key: Uint8Array): RecordCache => ({
  open: (room) => {
    const pseudonym = roomPseudonym(key, room);
    const open = recordOpener(key, pseudonym);
    const cached = cache.open(pseudonym);
    return {
      read: (address, maxBytes) =>
        cached.read(address, maxBytes).map((record) => ({ ...record, bytes: open(record.bytes) })),
      add: (record) => {
        if (record.sealed !== undefined) cached.add({ ...record, bytes: record.sealed, sealed: undefined });
      },
      removeBefore: (address) => {
        cached.removeBefore(address);
      },
    };
  },
});

const roomPseudonym = (key: Uint8Array, room: string): string =>
  createHmac('sha256', key).update(`rxchat room pseudonym ${room}`).digest('base64url');

/** The pseudonym is enough to open the records of a room, so that `rxchat check` can read all rooms. */
const roomBox = (key: Uint8Array, pseudonym: string): Box => createBox(key, `room ${pseudonym}`);

/** Returns a function that opens the records of a room by its pseudonym. A record that does not open has no bytes. */
export const recordOpener = (key: Uint8Array, pseudonym: string): ((bytes: Uint8Array) => Uint8Array) => {
  const box = roomBox(key, pseudonym);
  return (bytes) => box.open(bytes) ?? INVALID;
};

/** Seals and opens bytes for one purpose, which is their additional data too. */
interface Box {
  seal(bytes: Uint8Array): Uint8Array;
  /** Returns `undefined` if the bytes were not sealed with this key for this purpose. */
  open(sealed: Uint8Array): Uint8Array | undefined;
}

/** A key of its own for each purpose keeps the number of random nonces per key small. */
const createBox = (key: Uint8Array, purpose: string): Box => {
  const additional = Buffer.from(purpose);
  const boxKey = Buffer.from(hkdfSync('sha256', key, new Uint8Array(), `rxchat ${purpose}`, STORE_KEY_BYTES));
  return {
    seal: (bytes) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, boxKey, nonce).setAAD(additional);
      const body = [cipher.update(bytes), cipher.final()];
      return Buffer.concat([nonce, ...body, cipher.getAuthTag()]);
    },
    open: (sealed) => {
      if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const end = sealed.length - TAG_BYTES;
      try {
        const decipher = createDecipheriv(CIPHER, boxKey, sealed.subarray(0, NONCE_BYTES), {
          authTagLength: TAG_BYTES,
        })
          .setAAD(additional)
          .setAuthTag(sealed.subarray(end));
        return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]);
      } catch {
        return undefined;
      }
    },
  };
};
