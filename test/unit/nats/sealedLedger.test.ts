import { expect, test } from '@jest/globals';
import { EMPTY, firstValueFrom, NEVER, of, Subject, toArray } from 'rxjs';
import { sealedLedger, storeKeyId } from '../../../src/nats/sealedLedger.js';
import type { Ledger, LedgerRecord, ReservationRecords } from '../../../streams/relay/cluster/ledger.js';
import { fakeRecordCache } from '../../support/fakeRecordCache.js';
import { bytes } from '../../support/wire.js';

const key = new Uint8Array(32).fill(7);
const otherKey = new Uint8Array(32).fill(8);
const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);

/** An engine of one process that stores whatever is appended, and shows what it stored. */
const openEngine = () => {
  const rooms = new Map<string, LedgerRecord[]>();
  const message = new Subject<Uint8Array>();
  const recordsOf = (room: string) => rooms.get(room) ?? [];
  const records = (kind: string): ReservationRecords => ({
    append: (room, appended) => {
      const stored = recordsOf(kind + room);
      rooms.set(kind + room, [...stored, { address: stored.length + 1, bytes: appended }]);
      return of(stored.length + 1);
    },
    last: (room) => of(recordsOf(kind + room).at(-1)),
  });
  const ledger: Ledger = {
    durability: 'os',
    maxAgeMs: Infinity,
    relayId: 'one',
    ...records(''),
    reservations: records('reservation '),
    read: (room) => of(...recordsOf(room)),
    follow: (room) => of(...recordsOf(room), 'missed' as const),
    send: (_, sent) => {
      message.next(sent);
    },
    received$: message,
    isAlive: (relayId) => relayId === 'two',
    presence$: EMPTY,
  };
  return { ledger, rooms, message };
};

const append = (ledger: Ledger, room: string, line: string) =>
  firstValueFrom(ledger.append(room, bytes(line), 0));

test('sealedLedger returns what was appended, by each way to read', async () => {
  const ledger = sealedLedger(openEngine().ledger, key);
  await append(ledger, 'room', 'one');
  await append(ledger, 'room', 'two');
  expect(text((await firstValueFrom(ledger.last('room')))?.bytes)).toBe('two\n');
  const read = await firstValueFrom(ledger.read('room', 1).pipe(toArray()));
  expect(read.map((record) => [record.address, text(record.bytes)])).toStrictEqual([
    [1, 'one\n'],
    [2, 'two\n'],
  ]);
  const followed = await firstValueFrom(ledger.follow('room').pipe(toArray()));
  expect(followed.map((event) => (event === 'missed' ? event : text(event.bytes)))).toStrictEqual([
    'one\n',
    'two\n',
    'missed',
  ]);
  expect(await firstValueFrom(ledger.last('empty'))).toBeUndefined();
  await firstValueFrom(ledger.reservations.append('room', bytes('reserved'), 0));
  expect(text((await firstValueFrom(ledger.reservations.last('room')))?.bytes)).toBe('reserved\n');
  expect(ledger.isAlive('two')).toBe(true);
});

test('sealedLedger shows the engine neither the room nor the bytes, and never the same bytes twice', async () => {
  const engine = openEngine();
  const ledger = sealedLedger(engine.ledger, key);
  await append(ledger, 'room', 'secret');
  await append(ledger, 'room', 'secret');
  await append(ledger, 'other', 'secret');
  const stored = [...engine.rooms];
  expect(stored.map(([room]) => room)).not.toContain('room');
  expect(stored.map(([room, records]) => [/^[\w-]{43}$/.test(room), records.length])).toStrictEqual([
    [true, 2],
    [true, 1],
  ]);
  const sealed = stored.flatMap(([, records]) =>
    records.map((record) => Buffer.from(record.bytes).toString('latin1')),
  );
  expect(sealed.filter((each) => each.includes('secret'))).toStrictEqual([]);
  expect(new Set(sealed).size).toBe(3);
});

test('sealedLedger makes a record without bytes of what does not open', async () => {
  const engine = openEngine();
  const ledger = sealedLedger(engine.ledger, key);
  await append(ledger, 'room', 'one');
  await append(ledger, 'other', 'two');
  const [[pseudonym, records], [, moved]] = [...engine.rooms] as [
    [string, LedgerRecord[]],
    [string, LedgerRecord[]],
  ];
  const sealed = records[0]?.bytes ?? new Uint8Array();
  const flipped = Uint8Array.from(sealed, (byte, at) => (at === sealed.length - 20 ? byte ^ 1 : byte));
  const foreign = [
    flipped,
    sealed.subarray(0, 27),
    sealed.subarray(0, -1),
    new Uint8Array(),
    bytes('plain text of somebody'),
    moved[0]?.bytes ?? sealed,
  ];
  engine.rooms.set(
    pseudonym,
    foreign.map((each, at) => ({ address: at + 1, previous: at, bytes: each })),
  );
  const read = await firstValueFrom(ledger.read('room', 1).pipe(toArray()));
  expect(read).toStrictEqual(
    foreign.map((sealedBytes, at) => ({
      address: at + 1,
      previous: at,
      bytes: new Uint8Array(),
      sealed: sealedBytes,
    })),
  );
  engine.rooms.set(pseudonym, [{ address: 9, bytes: sealed }]);
  expect(text((await firstValueFrom(ledger.last('room')))?.bytes)).toBe('one\n');
});

test('sealedLedger gives its cache what the engine has, and opens what it reads from there', async () => {
  const engine = openEngine();
  const cache = fakeRecordCache();
  const ledger = sealedLedger({ ...engine.ledger, cache }, key);
  await append(ledger, 'room', 'secret');
  const [[pseudonym, [stored]]] = [...engine.rooms] as [[string, [LedgerRecord]]];
  const read = await firstValueFrom(ledger.read('room', 1));
  const room = ledger.cache?.open('room');
  room?.add({ ...read, previousChecksum: 5 });
  expect(cache.open('room').records()).toStrictEqual([]);
  expect(cache.open(pseudonym).records()).toMatchObject([
    { address: 1, bytes: stored.bytes, previousChecksum: 5 },
  ]);
  const cached = room?.read(1, 100) ?? [];
  expect(cached.map((each) => [text(each.bytes), each.previousChecksum])).toStrictEqual([['secret\n', 5]]);
  const withOtherKey = sealedLedger(
    { ...engine.ledger, cache: { open: () => cache.open(pseudonym) } },
    otherKey,
  );
  expect(withOtherKey.cache?.open('room').read(1, 100)[0]?.bytes).toStrictEqual(new Uint8Array());
  room?.removeBefore(2);
  expect(room?.read(1, 100)).toStrictEqual([]);
});

test('sealedLedger with another key finds no room, and opens no message', async () => {
  const engine = openEngine();
  await append(sealedLedger(engine.ledger, key), 'room', 'one');
  expect(await firstValueFrom(sealedLedger(engine.ledger, otherKey).last('room'))).toBeUndefined();
  expect(storeKeyId(key)).not.toBe(storeKeyId(otherKey));
  expect(storeKeyId(key)).toMatch(/^[\da-f]{16}$/);
});

test('sealedLedger seals messages for their receiver, and drops others', () => {
  const engine = openEngine();
  const ledger = sealedLedger(engine.ledger, key);
  const received: string[] = [];
  const onWire: string[] = [];
  const following = ledger.received$.subscribe((message) => received.push(text(message)));
  following.add(engine.message.subscribe((message) => onWire.push(text(message))));
  ledger.send('one', bytes('line'));
  ledger.send('two', bytes('line'));
  sealedLedger(engine.ledger, otherKey).send('one', bytes('line'));
  engine.message.next(bytes('plain'));
  expect(received).toStrictEqual(['line\n']);
  expect(onWire.map((message) => message.includes('line'))).toStrictEqual([false, false, false, false]);
  following.unsubscribe();
});

test('sealedLedger passes presence on', () => {
  const { ledger } = openEngine();
  const presence$ = NEVER;
  expect(sealedLedger({ ...ledger, presence$ }, key).presence$).toBe(presence$);
});
