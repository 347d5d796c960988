import type { Observable } from 'rxjs';

/** A batch of a room as the engine stores it. */
export interface LedgerRecord {
  /** Its address in the engine. Addresses of a room grow, with holes. */
  readonly address: number;
  /** The address of the previous record of the room, if the engine reports it. */
  readonly previous?: number | undefined;
  readonly bytes: Uint8Array;
  /** The bytes as the engine has them, if it has them sealed. */
  readonly sealed?: Uint8Array | undefined;
  /** When the engine stored it, in ms since 1970, if the engine reports it. */
  readonly storedAt?: number | undefined;
}

/** The engine refused an append: the last record of the room has another address than the writer expected. */
export class AppendConflictError extends Error {
  override readonly name = 'AppendConflictError';
  /** Address of the last record, if the engine reports it. */
  readonly last: number | undefined;

  constructor(last?: number) {
    super('the room has a newer record');
    this.last = last;
  }
}

/** How a record is read. */
export interface ReadOptions {
  /** Reads from the leader of the engine. Otherwise any replica can answer, which may lack the newest records. */
  readonly isFresh?: boolean;
}

/** What a ledger keeps for a room apart from its records. */
export type ReservationRecords = Ledger['reservations'];

/** Returns a ledger whose reads are all from the leader of the engine. */
export const readFresh = <T extends Pick<Ledger, 'last' | 'read'>>(ledger: T): T => ({
  ...ledger,
  last: (room) => ledger.last(room, { isFresh: true }),
  read: (room, address, options) => ledger.read(room, address, { ...options, isFresh: true }),
});

/** A valid batch that a relay has read from the engine, and keeps on its own disk. */
export interface CachedRecord extends LedgerRecord {
  /**
   * Checksum of the valid batch before it, if it was read together with that one. Addresses alone do not show that two
   * records are of the same history: an engine that has lost its end gives them to other records.
   */
  readonly previousChecksum: number | undefined;
}

/**
 * Copies of records of the engine, on the disk of one relay. Any of them may be missing, and a failure is a missing record:
 * nothing throws.
 */
export interface RecordCache {
  open(room: string): CachedRoom;
}

/** The cached records of a room. */
export interface CachedRoom {
  /**
   * Returns records in order, from the first one at an address or after it, until they have `maxBytes`. At least one if it
   * has one. They are as they were added: the cache has verified them.
   */
  read(address: number, maxBytes: number): readonly CachedRecord[];
  /** Adds a copy of a record, or replaces the one at its address. It may not be there at once. */
  add(record: CachedRecord): void;
  /** Removes the records before an address. */
  removeBefore(address: number): void;
}

/** What a relay learns of another one; `gone` if it stopped, or was silent for too long. */
export interface RelayPresence {
  readonly relayId: string;
  readonly type: 'alive' | 'gone';
}

/**
 * The logs of rooms that several relays serve: what a storage engine has to provide.
 *
 * The engine gives the records of a room one order and stores them. It decides nothing else: which records are valid is
 * decided by each reader, by the rule in `chain.ts`. So an append may be accepted although its condition does not hold, reads
 * may be stale, and followed records may be missing, late or repeated. What the relays rely on is that an address never comes
 * to mean another record.
 *
 * All Observables are cold, and emit asynchronously. They error if the engine does not answer in time.
 * `test/contract/relay/ledger.test.ts` has the tests of an implementation.
 */
export interface Ledger {
  /** What stored records survive: `os`, a crash of the relay; `disk`, a crash of machines. The operator vouches for it. */
  readonly durability: 'os' | 'disk';
  /** Time in ms after which the engine removes a record; `Infinity` if it keeps all. */
  readonly maxAgeMs: number;
  /** Names this process of this relay: another start has another id. */
  readonly relayId: string;
  /**
   * Conditional append: stores a record if the last record of the room has the address `expectedLast`, or if the room has
   * none and it is 0.
   *
   * Emits the address and completes once a quorum has stored the record. Errors with `AppendConflictError` if it was refused.
   * After any other error the record may be stored or not. Unsubscribing does not cancel it.
   */
  append(room: string, bytes: Uint8Array, expectedLast: number): Observable<number>;
  /** Emits the last record of a room, or `undefined` if it has none, and completes. */
  last(room: string, options?: ReadOptions): Observable<LedgerRecord | undefined>;
  /**
   * Emits records of a room in order, from the first one at `address` or after it, and completes after about `maxBytes`, or
   * after the last record. Emits nothing only if there is no such record.
   */
  read(
    room: string,
    address: number,
    options?: ReadOptions & { readonly maxBytes?: number },
  ): Observable<LedgerRecord>;
  /**
   * Emits the records that are appended to a room from now on, in order, and `missed` if some may be missing: after a
   * reconnect, or when the leader changed. Never completes.
   */
  follow(room: string): Observable<LedgerRecord | 'missed'>;
  /**
   * Records apart from those of the rooms. The engine keeps the last one of each room, without a limit of age. The condition
   * of an append has to hold here.
   */
  readonly reservations: Pick<Ledger, 'append' | 'last'>;
  /** Copies of records that this relay has on its own disk. */
  readonly cache?: RecordCache | undefined;
  /** Sends bytes to another relay, at most once: they may be lost. */
  send(relayId: string, bytes: Uint8Array): void;
  /** Bytes that other relays sent to this one. Hot. */
  readonly received$: Observable<Uint8Array>;
  /** Whether a relay was alive a moment ago. */
  isAlive(relayId: string): boolean;
  /** Emits when a relay is first heard, stops, or was silent for too long. Hot. */
  readonly presence$: Observable<RelayPresence>;
}
