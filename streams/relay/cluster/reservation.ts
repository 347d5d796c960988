import { catchError, concatMap, defer, map, type Observable, of, retry, throwError, timer } from 'rxjs';
import { decodeText, encodeText } from '../../wire/encoding.js';
import { isCount, parseObject } from './fields.js';
import { AppendConflictError, type ReservationRecords } from './ledger.js';

/**
 * The positions of a log that its batches can have: all below `end`.
 *
 * It is stored before the batches that need it, apart from them, and does not expire. If all records of a room have expired,
 * its log continues at `end`. So no position comes to mean another entry.
 */
export interface Reservation {
  readonly log: string;
  readonly generation: number;
  readonly end: number;
}

const FORMAT = 'reservation/1 ';
/** Number of positions that are reserved together, or a part of the log if that is more. */
const MIN_POSITIONS = 1024;
const POSITIONS_PART = 8;
/** Number of lost races after which a reservation fails. */
const MAX_CONFLICTS = 5;
const CONFLICT_PAUSE_MS = 10;

export const formatReservation = ({ log, generation, end }: Reservation): Uint8Array =>
  encodeText(FORMAT + JSON.stringify({ log, generation, end }));

/** Parses a record. Returns `undefined` for anything else; then a room without records begins a new log. */
export const parseReservation = (bytes: Uint8Array): Reservation | undefined => {
  const text = decodeText(bytes);
  if (text?.startsWith(FORMAT) !== true) return undefined;
  const { log, generation, end } = parseObject(text.slice(FORMAT.length)) ?? {};
  return typeof log === 'string' && isCount(generation) && isCount(end) && end > 0
    ? { log, generation, end }
    : undefined;
};

/** Whether the positions of one reservation are in another one. */
export const isReserved = ({ log, end }: Reservation, stored: Reservation | undefined): boolean =>
  stored?.log === log && stored.end >= end;

/** Returns a reservation that contains a needed one, and some more positions. Its end is never below that of the stored one. */
export const extendReservation = (needed: Reservation, stored: Reservation | undefined): Reservation => {
  const ahead = Math.max(MIN_POSITIONS, Math.floor(needed.end / POSITIONS_PART));
  return { ...needed, end: Math.max(needed.end + ahead, stored?.end ?? 0) };
};

/**
 * Reserves positions, unless that was done. Emits what is reserved, or `undefined` if nothing is needed, and completes. Errors
 * if the engine does not answer.
 */
export const reservePositions = (
  records: ReservationRecords,
  room: string,
  needed: Reservation | undefined,
): Observable<Reservation | undefined> =>
  needed === undefined
    ? of(undefined)
    : defer(() => records.last(room, { isFresh: true })).pipe(
        concatMap((record) => {
          const stored = record && parseReservation(record.bytes);
          if (isReserved(needed, stored)) return of(stored);
          const extended = extendReservation(needed, stored);
          return records
            .append(room, formatReservation(extended), record?.address ?? 0)
            .pipe(map(() => extended));
        }),
        retry({
          count: MAX_CONFLICTS,
          delay: (error: unknown) =>
            error instanceof AppendConflictError ? timer(CONFLICT_PAUSE_MS) : throwError(() => error),
        }),
        // The last address of a conflict is not one of the room.
        catchError((cause: unknown) => throwError(() => new Error('no positions were reserved', { cause }))),
      );
