import { expect, test } from '@jest/globals';
import { ReservationCheck } from '../../../../streams/relay/cluster/checkReservations.js';
import { formatReservation } from '../../../../streams/relay/cluster/reservation.js';
import { encodeText } from '../../../../streams/wire/encoding.js';

const reservation = (room: string, address: number, end: number) => ({
  room,
  address,
  bytes: formatReservation({ log: `log of ${room}`, generation: 0, end }),
});

test('a check of reservations knows the positions that the newest one of a room contains', () => {
  const check = new ReservationCheck(() => (bytes) => bytes);
  const records = [reservation('a', 1, 1000), reservation('b', 2, 5), reservation('a', 3, 2000)];
  check.read({ records, differences: [], last: 3 });
  expect(check.covers('a', 'log of a', 2000)).toBe(true);
  expect(check.covers('a', 'log of a', 2001)).toBe(false);
  expect(check.covers('a', 'another log', 2)).toBe(false);
  expect(check.covers('c', 'log of c', 2)).toBe(false);
  expect(check.finish()).toStrictEqual({ unreadable: 0, differences: [] });
});

test('a check of reservations counts those that do not open, and the differences by server', () => {
  const check = new ReservationCheck((room) => (bytes) => (room === 'a' ? bytes : new Uint8Array()));
  const records = [
    reservation('a', 1, 1000),
    reservation('b', 2, 5),
    { room: 'a', address: 3, bytes: encodeText('x') },
  ];
  const differences = [4, 6].map((address) => ({ address, room: 'a', server: 'n1' }));
  check.read({ records, differences, last: 3 });
  expect(check.finish()).toStrictEqual({
    unreadable: 2,
    differences: [{ server: 'n1', records: 2, address: 4 }],
  });
  expect(check.covers('a', 'log of a', 1000)).toBe(true);
});
