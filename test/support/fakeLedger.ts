import {
  asyncScheduler,
  concatMap,
  defer,
  from,
  Observable,
  of,
  Subject,
  Subscription,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import {
  AppendConflictError,
  type Ledger,
  type LedgerRecord,
  type ReadOptions,
  type RelayPresence,
} from '../../streams/relay/cluster/ledger.js';

export interface FakeEngineOptions {
  readonly durability?: 'os' | 'disk';
  /** Time in ms after which a record expires (default: never). */
  readonly maxAgeMs?: number;
  /** Time in ms that a request, an answer or a followed record takes (default 1). */
  readonly latencyMs?: number;
  /** Time in ms after which an unanswered request errors (default 5000). */
  readonly timeoutMs?: number;
  /** Time in ms of silence after which a relay counts as gone (default 5000). */
  readonly silenceMs?: number;
}

/** The ledger of one relay, and its faults. */
export interface FakeLedger extends Ledger {
  /** Stops the relay: the others learn it at once. */
  stop(): void;
  /** Ends the relay without a notice. The others learn it from its silence. */
  crash(): void;
  /** Loses everything between this relay and the engine until `heal`. */
  cut(): void;
  heal(): void;
}

/** A storage engine in memory that keeps the contract of `Ledger`. Works in virtual time. */
export interface FakeEngine {
  /** Creates the ledger of a relay, which is alive from now on. */
  connect(relayId: string): FakeLedger;
  /** The stored records of a room. */
  records(room: string): readonly LedgerRecord[];
  /** Stores a record without a condition, and returns its address. */
  store(room: string, bytes: Uint8Array): number;
  /** Removes the records of a room before an address, as retention does. */
  dropBefore(room: string, address: number): void;
  /** Loses all records from an address on, as by a failure: followers get `missed`. It assigns the addresses again. */
  loseFrom(address: number): void;
}

interface StoredRecord extends LedgerRecord {
  readonly storedAt: number;
}

/** A relay as the engine knows it. */
interface ConnectedRelay {
  readonly ledger: FakeLedger;
  readonly followed: Subject<{ readonly room: string; readonly record: LedgerRecord | 'missed' }>;
  readonly received: Subject<Uint8Array>;
  readonly presence: Subject<RelayPresence>;
  readonly alive: Set<string>;
  isReachable: boolean;
  /** Until it counts as gone. */
  silence: Subscription;
}

/** Creates an engine without records. Several relays connect to it. */
export const fakeEngine = ({
  durability = 'disk',
  maxAgeMs = Infinity,
  latencyMs = 1,
  timeoutMs = 5000,
  silenceMs = 5000,
}: FakeEngineOptions = {}): FakeEngine => {
  const rooms = new Map<string, StoredRecord[]>();
  const relays = new Map<string, ConnectedRelay>();
  /** All reservations of a room that were ever stored, so that an engine that loses its end has an older one. */
  const reservations = new Map<string, LedgerRecord[]>();
  let lastAddress = 0;

  const recordsOf = (room: string): readonly LedgerRecord[] => storedOf(room);
  const storedOf = (room: string): readonly StoredRecord[] => {
    const records = rooms.get(room) ?? [];
    const isStored = ({ storedAt }: StoredRecord) => asyncScheduler.now() - storedAt < maxAgeMs;
    return records[0] === undefined || isStored(records[0]) ? records : records.filter(isStored);
  };

  const store = (room: string, bytes: Uint8Array): number => {
    const previous = recordsOf(room).at(-1)?.address ?? 0;
    lastAddress += 1;
    const storedAt = asyncScheduler.now();
    const record: StoredRecord = { address: lastAddress, previous, bytes: bytes.slice(), storedAt };
    rooms.set(room, [...storedOf(room), record]);
    for (const relay of relays.values()) deliver(relay, () => relay.followed.next({ room, record }));
    return record.address;
  };

  /** Does something at a relay one latency later, if the relay can be reached now and then. */
  const deliver = (relay: ConnectedRelay, act: () => void) => {
    if (relay.isReachable)
      timer(latencyMs).subscribe(() => {
        if (relay.isReachable) act();
      });
  };

  const learn = (relay: ConnectedRelay, relayId: string, type: RelayPresence['type']) => {
    deliver(relay, () => {
      if (relay.alive.has(relayId) === (type === 'alive')) return;
      if (type === 'alive') relay.alive.add(relayId);
      else relay.alive.delete(relayId);
      relay.presence.next({ relayId, type });
    });
  };

  /** Tells all relays that can be reached about each other. */
  const introduce = (relayId: string) => {
    for (const [otherId, other] of relays)
      for (const [from, to] of [
        [relayId, other],
        [otherId, relays.get(relayId)],
      ] as const)
        if (otherId !== relayId && relays.get(from)?.isReachable && to !== undefined)
          learn(to, from, 'alive');
  };

  const loseContact = (relayId: string) => {
    const relay = relays.get(relayId);
    if (relay === undefined) return;
    relay.isReachable = false;
    relay.silence.unsubscribe();
    relay.silence = timer(silenceMs).subscribe(() => {
      for (const [otherId, other] of relays) {
        if (otherId === relayId) continue;
        learn(other, relayId, 'gone');
        // A relay that cannot reach the engine hears nobody.
        if (relay.alive.delete(otherId)) relay.presence.next({ relayId: otherId, type: 'gone' });
      }
    });
  };

  const connect = (relayId: string): FakeLedger => {
    /** Asks the engine. The question reaches it even if nobody waits for the answer. */
    const request = <T>(ask: () => T): Observable<T> =>
      new Observable<T>((subscriber) => {
        deliver(relay, () => {
          let answer$: Observable<T>;
          try {
            answer$ = of(ask());
          } catch (error) {
            answer$ = throwError(() => error);
          }
          deliver(relay, () => answer$.subscribe(subscriber));
        });
      }).pipe(
        timeout({ each: timeoutMs, with: () => throwError(() => new Error('the engine does not answer')) }),
      );

    const ledger: FakeLedger = {
      durability,
      maxAgeMs,
      relayId,
      append: (room, bytes, expectedLast) =>
        defer(() => {
          const copy = bytes.slice();
          return request(() => {
            const last = recordsOf(room).at(-1)?.address ?? 0;
            if (last !== expectedLast) throw new AppendConflictError(last);
            return store(room, copy);
          });
        }),
      last: (room) => request(() => recordsOf(room).at(-1)),
      read: (room, address, { maxBytes = Infinity }: ReadOptions & { readonly maxBytes?: number } = {}) =>
        request(() => takeBytes(recordsOf(room), address, maxBytes)).pipe(
          concatMap((records) => from(records)),
        ),
      reservations: {
        append: (room, bytes, expectedLast) =>
          defer(() => {
            const copy = bytes.slice();
            return request(() => {
              const stored = reservations.get(room) ?? [];
              const last = stored.at(-1)?.address ?? 0;
              if (last !== expectedLast) throw new AppendConflictError(last);
              lastAddress += 1;
              reservations.set(room, [...stored, { address: lastAddress, bytes: copy }]);
              return lastAddress;
            });
          }),
        last: (room) => request(() => reservations.get(room)?.at(-1)),
      },
      follow: (followedRoom) =>
        new Observable((subscriber) =>
          relay.followed.subscribe(({ room, record }) => {
            if (room === followedRoom || record === 'missed') subscriber.next(record);
          }),
        ),
      send: (otherId, bytes) => {
        const copy = bytes.slice();
        deliver(relay, () => {
          const other = relays.get(otherId);
          if (other?.isReachable) other.received.next(copy);
        });
      },
      get received$() {
        return relay.received.asObservable();
      },
      isAlive: (otherId) => otherId === relayId || relay.alive.has(otherId),
      get presence$() {
        return relay.presence.asObservable();
      },
      stop: () => {
        relay.isReachable = false;
        relay.silence.unsubscribe();
        relays.delete(relayId);
        for (const other of relays.values()) learn(other, relayId, 'gone');
      },
      crash: () => loseContact(relayId),
      cut: () => loseContact(relayId),
      heal: () => {
        relay.isReachable = true;
        relay.silence.unsubscribe();
        introduce(relayId);
        deliver(relay, () => relay.followed.next({ room: '', record: 'missed' }));
      },
    };
    const relay: ConnectedRelay = {
      ledger,
      followed: new Subject(),
      received: new Subject(),
      presence: new Subject(),
      alive: new Set(),
      isReachable: true,
      silence: Subscription.EMPTY,
    };
    relays.set(relayId, relay);
    introduce(relayId);
    return ledger;
  };

  return {
    connect,
    records: recordsOf,
    store,
    dropBefore: (room, address) => {
      rooms.set(
        room,
        storedOf(room).filter((record) => record.address >= address),
      );
    },
    loseFrom: (address) => {
      for (const [room, records] of rooms)
        rooms.set(
          room,
          records.filter((record) => record.address < address),
        );
      for (const [room, records] of reservations)
        reservations.set(
          room,
          records.filter((record) => record.address < address),
        );
      lastAddress = Math.min(lastAddress, address - 1);
      for (const relay of relays.values())
        deliver(relay, () => relay.followed.next({ room: '', record: 'missed' }));
    },
  };
};

/** Returns the records from an address on, up to the one that exceeds `maxBytes`. */
export const takeBytes = (
  records: readonly LedgerRecord[],
  address: number,
  maxBytes: number,
): readonly LedgerRecord[] => {
  const taken: LedgerRecord[] = [];
  let size = 0;
  for (const record of records) {
    if (record.address < address) continue;
    if (size >= maxBytes) break;
    taken.push(record);
    size += record.bytes.length;
  }
  return taken;
};
