import type { ComparedPage } from './compareReplicas.js';
import { parseReservation, type Reservation } from './reservation.js';

/** Records of a stream in which a server differs from the others. */
export interface ServerDifference {
  readonly server: string;
  readonly records: number;
  /** Address of the first one. */
  readonly address: number;
}

/** What the check of the reservations found. */
export interface ReservationReport {
  readonly unreadable: number;
  readonly differences: readonly ServerDifference[];
}

/** Adds a record to the differences by server. */
export const addDifference = (
  differences: Map<string, ServerDifference>,
  { server, address }: { readonly server: string; readonly address: number },
): void => {
  const known = differences.get(server) ?? { server, records: 0, address };
  differences.set(server, { ...known, records: known.records + 1 });
};

/** Reads the reservations of all rooms: one page of records after the other goes in. */
export class ReservationCheck {
  readonly #openerOf: (room: string) => (bytes: Uint8Array) => Uint8Array;
  readonly #reservations = new Map<string, Reservation>();
  readonly #differences = new Map<string, ServerDifference>();
  #unreadable = 0;

  /** @param openerOf returns a function that opens the records of a room. */
  constructor(openerOf: (room: string) => (bytes: Uint8Array) => Uint8Array) {
    this.#openerOf = openerOf;
  }

  read({ records, differences }: ComparedPage): void {
    for (const { room, bytes } of records) {
      const reservation = parseReservation(this.#openerOf(room)(bytes));
      if (reservation === undefined) this.#unreadable += 1;
      else this.#reservations.set(room, reservation);
    }
    for (const difference of differences) addDifference(this.#differences, difference);
  }

  /** Whether positions of a log are reserved, up to `next`, which is not included. */
  covers(room: string, log: string, next: number): boolean {
    const reservation = this.#reservations.get(room);
    return reservation?.log === log && reservation.end >= next;
  }

  /** Returns what was found. */
  finish(): ReservationReport {
    return { unreadable: this.#unreadable, differences: [...this.#differences.values()] };
  }
}
