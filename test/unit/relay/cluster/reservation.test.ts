import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { concat, delay, throwError, timer } from 'rxjs';
import { AppendConflictError, type ReservationRecords } from '../../../../streams/relay/cluster/ledger.js';
import {
  extendReservation,
  formatReservation,
  parseReservation,
  type Reservation,
  reservePositions,
} from '../../../../streams/relay/cluster/reservation.js';
import { encodeText } from '../../../../streams/wire/encoding.js';
import { fakeEngine } from '../../../support/fakeLedger.js';

const ROOM = 'room';
const reservation = (end: number, log = 'log'): Reservation => ({ log, generation: 0, end });

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

const reserve = (records: ReservationRecords, needed: Reservation | undefined) => {
  const results: (Reservation | string | undefined)[] = [];
  reservePositions(records, ROOM, needed).subscribe({
    next: (each) => results.push(each),
    error: (error: Error) => results.push(error.message),
  });
  return results;
};

describe('a reservation', () => {
  test('is parsed from what was formatted', () => {
    expect(parseReservation(formatReservation(reservation(7)))).toStrictEqual(reservation(7));
  });

  test.each(['', 'reservation/2 {}', 'reservation/1 {', 'reservation/1 {"log":"a","generation":0,"end":-1}'])(
    'is not parsed from %j',
    (text) => {
      expect(parseReservation(encodeText(text))).toBeUndefined();
    },
  );

  test('contains more positions than are needed, in proportion to the log', () => {
    expect(extendReservation(reservation(10), undefined).end).toBe(1034);
    expect(extendReservation(reservation(800_000), undefined).end).toBe(900_000);
  });

  test('never ends before the stored one, of whatever log', () => {
    expect(extendReservation(reservation(10, 'other'), reservation(5000))).toStrictEqual(
      reservation(5000, 'other'),
    );
  });
});

describe('reservePositions', () => {
  test('stores a reservation only if the positions are not reserved', () => {
    const { reservations } = fakeEngine().connect('relay');
    let stored = 0;
    const spied: ReservationRecords = {
      ...reservations,
      append: (...call) => {
        stored += 1;
        return reservations.append(...call);
      },
    };
    const results = [1, 900, 1025, 1026].map((end) => {
      const result = reserve(spied, reservation(end));
      jest.advanceTimersByTime(100);
      return result;
    });
    expect(results.flat()).toStrictEqual([1025, 1025, 1025, 2050].map((end) => reservation(end)));
    expect(stored).toBe(2);
    expect(reserve(spied, undefined)).toStrictEqual([undefined]);
  });

  test('lets relays that reserve at the same moment have what they need', () => {
    const engine = fakeEngine();
    const all = [10, 2000, 30].map((end, n) =>
      reserve(engine.connect(`relay${n}`).reservations, reservation(end)),
    );
    jest.advanceTimersByTime(1000);
    for (const [n, [result]] of all.entries())
      expect((result as Reservation).end).toBeGreaterThanOrEqual([10, 2000, 30][n] as number);
    const last: (Reservation | undefined)[] = [];
    engine
      .connect('reader')
      .reservations.last(ROOM)
      .subscribe((record) => last.push(record && parseReservation(record.bytes)));
    jest.advanceTimersByTime(10);
    expect(last[0]?.end).toBe(Math.max(...all.map(([result]) => (result as Reservation).end)));
  });

  test('errors if the engine fails, and after many lost races, without the address of another record', () => {
    const { reservations } = fakeEngine().connect('relay');
    const conflict$ = concat(
      timer(1),
      throwError(() => new AppendConflictError(7)),
    );
    for (const append of [() => conflict$.pipe(delay(1)), () => throwError(() => new Error('no answer'))]) {
      const results = reserve({ ...reservations, append }, reservation(1));
      jest.advanceTimersByTime(10_000);
      expect(results).toStrictEqual(['no positions were reserved']);
    }
  });
});
