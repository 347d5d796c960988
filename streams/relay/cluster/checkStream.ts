import { addDifference, type ReservationCheck, type ServerDifference } from './checkReservations.js';
import { RoomCheck, type RoomReport } from './checkRoom.js';
import type { ComparedPage } from './compareReplicas.js';

/** What the check of a room found. */
export interface RoomResult extends RoomReport {
  readonly room: string;
  /** Bytes of its records. */
  readonly bytes: number;
  readonly differences: readonly ServerDifference[];
}

export interface CheckStreamOptions {
  /** The stream keeps a limited number of records per room. Then old ones of one room expire before older ones of others. */
  readonly limitsRooms: boolean;
  /** Records behind this address are not checked. */
  readonly lastAddress: number;
  /** Returns a function that opens the records of a room. */
  readonly openerOf: (room: string) => (bytes: Uint8Array) => Uint8Array;
  /** The reservations of all rooms (default: they are not checked). */
  readonly reserved?: ReservationCheck | undefined;
}

interface RoomProgress {
  readonly check: RoomCheck;
  readonly open: (bytes: Uint8Array) => Uint8Array;
  bytes: number;
  readonly differences: Map<string, ServerDifference>;
}

/** Checks the rooms of a stream: one page of records after the other goes in, and the rooms come out. */
export class StreamCheck {
  readonly #options: CheckStreamOptions;
  readonly #rooms = new Map<string, RoomProgress>();
  /** Address of the first record. No record behind it has expired. */
  #first: number | undefined;

  constructor(options: CheckStreamOptions) {
    this.#options = options;
  }

  read({ records, differences }: ComparedPage): void {
    const { lastAddress } = this.#options;
    for (const { address, room, bytes } of records) {
      if (address > lastAddress) break;
      const progress = this.#room(room, address);
      progress.bytes += bytes.length;
      progress.check.read({ address, bytes: progress.open(bytes) });
    }
    for (const difference of differences)
      if (difference.address <= lastAddress)
        addDifference(this.#room(difference.room, difference.address).differences, difference);
  }

  /** Returns the result of each room. */
  *finish(): Iterable<RoomResult> {
    const { reserved } = this.#options;
    for (const [room, { check, bytes, differences }] of this.#rooms) {
      const isReserved = (log: string, next: number) => reserved?.covers(room, log, next) ?? true;
      yield { room, bytes, ...check.finish(isReserved), differences: [...differences.values()] };
    }
  }

  #room(room: string, address: number): RoomProgress {
    const known = this.#rooms.get(room);
    if (known !== undefined) return known;
    const { limitsRooms, openerOf } = this.#options;
    this.#first ??= address;
    const created: RoomProgress = {
      check: new RoomCheck(address, limitsRooms ? Infinity : this.#first),
      open: openerOf(room),
      bytes: 0,
      differences: new Map(),
    };
    this.#rooms.set(room, created);
    return created;
  }
}
