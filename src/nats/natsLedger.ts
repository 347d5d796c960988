import { randomBytes } from 'node:crypto';
import type { Msg } from '@nats-io/transport-node';
import {
  concat,
  defer,
  endWith,
  exhaustMap,
  filter,
  map,
  merge,
  Observable,
  retry,
  skip,
  Subject,
  switchMap,
  tap,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import {
  AppendConflictError,
  type Ledger,
  type RelayPresence,
  type ReservationRecords,
} from '../../streams/relay/cluster/ledger.js';
import { HEARTBEAT_MS, trackRelays } from '../../streams/relay/cluster/trackRelays.js';
import { parseAnswer, parseLiveRecord } from './answers.js';
import { checkServer } from './checkServer.js';
import { connectNats, type NatsServers } from './connect.js';
import { type Engine, openEngine } from './engine.js';
import { LedgerError } from './errors.js';
import { missedRecords } from './missedRecords.js';
import { readLast, readRecords } from './readRecords.js';
import { storeStatus } from './storeStatus.js';
import { createStreams, type StreamSettings } from './streams.js';
import { reservationSubject, roomSubject, type RoomSubject } from './subjects.js';

/** What happens to the store: `waiting` if it is not there yet, at the start; `lost` and `back` as of `storeStatus`. */
export type StoreEvent =
  { readonly type: 'waiting'; readonly reason: string } | { readonly type: 'lost' | 'back' };

export interface NatsLedgerOptions extends NatsServers, StreamSettings {
  /** What stored records survive; the operator knows how the servers write to their disks. */
  readonly durability: 'os' | 'disk';
  /** Time in ms in which the store has to be reached at the start. */
  readonly timeoutMs: number;
  readonly onEvent?: ((event: StoreEvent) => void) | undefined;
}

/** JetStream's error codes for an append whose condition does not hold. */
const WRONG_LAST_SEQUENCE: readonly number[] = [10_071, 10_164];

/** Interval in ms between attempts to create the streams. */
const CREATE_RETRY_MS = 1000;

/**
 * The logs of rooms in NATS JetStream. Emits the ledger once and holds it while subscribed. Unsubscribing tells the other
 * relays that this one stops, and closes the connection.
 *
 * Creates the streams that are missing, at the start and whenever they turn out to be missing. Errors with `LedgerError`
 * if the store cannot be reached within `timeoutMs`, or cannot be used. Afterwards it errors only if the connection is
 * given up, if a permission is missing, or if the servers or streams became unsuitable.
 *
 * A room is a subject in one of the streams. The engine has to append on a condition, to read, and to publish what was
 * committed; there are no consumers.
 */
export const natsLedger = (options: NatsLedgerOptions): Observable<Ledger> =>
  connectNats(options, options.timeoutMs, (reason) => {
    options.onEvent?.({ type: 'waiting', reason });
  }).pipe(
    switchMap(openEngine),
    switchMap((engine) => {
      const start$ = prepare(engine, options).pipe(
        timeout({
          first: options.timeoutMs,
          with: () =>
            throwError(() => new LedgerError('unreachable', 'the streams of the store are not available')),
        }),
      );
      return start$.pipe(switchMap(() => openLedger(engine, options)));
    }),
  );

/** Checks the server and creates missing streams. Emits once; retries until then, unless it cannot succeed. */
const prepare = (engine: Engine, options: NatsLedgerOptions): Observable<void> =>
  defer(() => {
    const server = engine.server();
    if (server !== undefined) checkServer(server, engine.address(), options.replicas);
    return createStreams(engine, options).pipe(endWith(undefined));
  }).pipe(
    retry({
      delay: (error: unknown) =>
        error instanceof LedgerError && error.code !== 'timeout'
          ? throwError(() => error)
          : timer(CREATE_RETRY_MS),
    }),
  );

const openLedger = (engine: Engine, options: NatsLedgerOptions): Observable<Ledger> =>
  new Observable((subscriber) => {
    const relayId = randomBytes(9).toString('base64url');
    const presence = new Subject<RelayPresence>();
    const received = new Subject<Uint8Array>();
    const aliveRelays = new Set<string>();

    const fail = (error: unknown) => {
      subscriber.error(error);
    };
    const run = <T>(source$: Observable<T>, next?: (value: T) => void) => {
      subscriber.add(source$.subscribe({ ...(next !== undefined && { next }), error: fail }));
    };

    const reconnected$ = engine.isConnected$.pipe(skip(1), filter(Boolean));
    const [stored, failed] = [new Subject<void>(), new Subject<void>()];
    run(storeStatus(engine.isConnected$, { stored$: stored, failed$: failed }), (isWorking) => {
      options.onEvent?.({ type: isWorking ? 'back' : 'lost' });
    });
    run(
      merge(reconnected$, engine.unserved$).pipe(
        exhaustMap(() => concat(prepare(engine, options), timer(CREATE_RETRY_MS))),
      ),
    );
    run(
      engine.subscribe(`rxrelay.*`).pipe(
        map(parsePresence),
        filter((each) => each.relayId !== relayId),
        trackRelays({ isConnected$: engine.isConnected$ }),
      ),
      (each) => {
        if (each.type === 'alive') aliveRelays.add(each.relayId);
        else aliveRelays.delete(each.relayId);
        presence.next(each);
      },
    );
    run(engine.subscribe(`rxto.${relayId}`), ({ data }) => {
      received.next(data);
    });
    run(timer(0, HEARTBEAT_MS), () => {
      engine.publish(`rxrelay.${relayId}`, 'alive');
    });
    subscriber.add(() => {
      engine.publish(`rxrelay.${relayId}`, 'gone');
    });

    const records = (
      subjectOf: (room: string) => Pick<RoomSubject, 'stream' | 'subject'>,
    ): ReservationRecords => ({
      append: (room, bytes, expectedLast) =>
        defer(() =>
          engine.request(subjectOf(room).subject, bytes, {
            'Nats-Expected-Last-Subject-Sequence': String(expectedLast),
          }),
        ).pipe(
          map(({ data }) => parseAppended(data)),
          tap({
            next: () => {
              stored.next();
              engine.failover.onStored();
            },
            error: (error: unknown) => {
              if (!(error instanceof AppendConflictError)) failed.next();
              // The leader waits for the other servers to store an earlier one.
              else if (error.last === undefined) engine.failover.onUnanswered(subjectOf(room).subject);
            },
          }),
        ),
      last: (room, { isFresh = false } = {}) => defer(() => readLast(engine, subjectOf(room), isFresh)),
    });
    const missed = missedRecords(engine, reconnected$);
    subscriber.next({
      durability: options.durability,
      maxAgeMs: options.maxAgeMs,
      relayId,
      ...records((room) => roomSubject(room, options.shards)),
      reservations: records(reservationSubject),
      read: (room, address, { isFresh = false, maxBytes = Infinity } = {}) =>
        defer(() => readRecords(engine, roomSubject(room, options.shards), address, { isFresh, maxBytes })),
      follow: (room) =>
        defer(() => {
          const { stream, liveSubject } = roomSubject(room, options.shards);
          const record$ = engine.subscribe(liveSubject).pipe(
            map(parseLiveRecord),
            filter((record) => record !== undefined),
            tap(engine.failover.onStored),
          );
          return merge(record$, missed(stream));
        }),
      send: (id, bytes) => {
        engine.publish(`rxto.${id}`, bytes);
      },
      received$: received.asObservable(),
      isAlive: (id) => id === relayId || aliveRelays.has(id),
      presence$: presence.asObservable(),
    });
  });

/** Returns the address from the answer to an append. Throws if the engine did not store the record. */
const parseAppended = (data: Uint8Array): number => {
  const { answer, error } = parseAnswer(data);
  if (error !== undefined) {
    if (!WRONG_LAST_SEQUENCE.includes(error.code))
      throw new Error(`NATS did not store a record: ${error.description}`);
    const last = /\d+$/.exec(error.description)?.[0];
    throw new AppendConflictError(last === undefined ? undefined : Number(last));
  }
  const { seq } = answer;
  if (typeof seq !== 'number') throw new Error('NATS answered an append without an address');
  return seq;
};

const parsePresence = ({ subject, data }: Msg): RelayPresence => ({
  relayId: subject.slice(subject.indexOf('.') + 1),
  type: new TextDecoder().decode(data) === 'gone' ? 'gone' : 'alive',
});
