import {
  asyncScheduler,
  concat,
  defer,
  EMPTY,
  ignoreElements,
  map,
  Observable,
  Subject,
  takeWhile,
  throwError,
  timer,
} from 'rxjs';
import {
  AppendConflictError,
  type Ledger,
  type LedgerRecord,
  type ReadOptions,
  type RelayPresence,
} from '../../streams/relay/cluster/ledger.js';
import type { FakeEngine, FakeLedger } from './fakeLedger.js';

/** How often each fault happens, from 0 to 1. Missing ones do not happen. */
export interface LedgerFaults {
  /** An append whose condition does not hold is accepted. */
  readonly acceptedVoid?: number;
  /** An append is refused although its condition holds. */
  readonly refused?: number;
  /** An append or a read errors, and an append has stored nothing. */
  readonly failed?: number;
  /** An append errors after it has stored its record. */
  readonly answerLost?: number;
  /** A request takes up to 2 s before the engine has it, so that requests overtake each other. */
  readonly delayed?: number;
  /** A read without `isFresh` lacks up to 5 of the newest records. */
  readonly stale?: number;
  /** A followed record is lost. With even chances, `missed` tells it within 1 s, or nothing does. */
  readonly lost?: number;
  /** A followed record comes again, up to 3 s later. */
  readonly repeated?: number;
  /** Followed records come up to 2 s late, still in order. */
  readonly late?: number;
  /** A followed record has no `previous`. */
  readonly unlinked?: number;
  /** Bytes for another relay are lost. */
  readonly sendLost?: number;
  /** A relay counts as gone for up to 20 s although it is not. */
  readonly wrongPresence?: number;
}

/** Every fault that the contract of `Ledger` allows, often. */
export const ALL_FAULTS: LedgerFaults = {
  acceptedVoid: 0.5,
  refused: 0.1,
  failed: 0.1,
  answerLost: 0.1,
  delayed: 0.2,
  stale: 0.3,
  lost: 0.15,
  repeated: 0.15,
  late: 0.15,
  unlinked: 0.2,
  sendLost: 0.3,
  wrongPresence: 0.02,
};

export interface FaultyLedgerOptions {
  readonly engine: FakeEngine;
  /** Returns a number in [0, 1): from a seed, so that a run can be repeated. */
  readonly random: () => number;
  /** Returns the faults of the moment, so that a test can end them. */
  readonly faults: () => LedgerFaults;
}

const FAILED = new Error('the engine did not answer in time');

/**
 * Makes a ledger as bad as the contract of `Ledger` allows.
 *
 * Addresses and stored records are right, and followed records that are not repeated come in order. Nothing else is certain.
 */
export const faultyLedger = (
  ledger: FakeLedger,
  { engine, random, faults }: FaultyLedgerOptions,
): FakeLedger => {
  const happens = (fault: keyof LedgerFaults) => random() < (faults()[fault] ?? 0);
  const wait = (maxMs: number) => timer(random() * maxMs).pipe(ignoreElements());
  const delayed$ = defer(() => (happens('delayed') ? wait(2000) : EMPTY));
  const failed$ = defer(() =>
    happens('failed')
      ? concat(
          wait(5000),
          throwError(() => FAILED),
        )
      : EMPTY,
  );

  const appendBy =
    (store: Ledger['append'], isConditional: boolean): Ledger['append'] =>
    (room, bytes, expectedLast) =>
      defer(() => {
        const copy = bytes.slice();
        const stored = new Subject<number>();
        concat(
          delayed$,
          failed$,
          defer(() => {
            if (happens('refused'))
              return concat(
                timer(1).pipe(ignoreElements()),
                throwError(() => new AppendConflictError()),
              );
            if (isConditional || !happens('acceptedVoid')) return store(room, copy, expectedLast);
            return timer(1).pipe(map(() => engine.store(room, copy)));
          }),
        ).subscribe(stored);
        return happens('answerLost')
          ? concat(
              stored.pipe(ignoreElements()),
              wait(5000),
              throwError(() => FAILED),
            )
          : stored;
      });

  const append = appendBy((...call) => ledger.append(...call), false);

  /** Returns the highest address that a replica shows. */
  const visibleTo = (room: string, { isFresh = false }: ReadOptions = {}): number =>
    isFresh || !happens('stale')
      ? Infinity
      : (engine.records(room).at(-2 - Math.floor(random() * 5))?.address ?? 0);

  const follow: Ledger['follow'] = (room) =>
    new Observable((subscriber) => {
      let due = 0;
      const emit = (ms: number, event: LedgerRecord | 'missed') => {
        subscriber.add(
          timer(ms).subscribe(() => {
            subscriber.next(event);
          }),
        );
      };
      subscriber.add(
        ledger.follow(room).subscribe((event) => {
          const now = asyncScheduler.now();
          due = Math.max(due, now + (happens('late') ? random() * 2000 : 0));
          if (event === 'missed') emit(due - now, event);
          else if (happens('lost')) {
            if (random() < 0.5) emit(random() * 1000, 'missed');
          } else {
            const { address, bytes } = event;
            emit(due - now, happens('unlinked') ? { address, bytes } : event);
            if (happens('repeated')) emit(random() * 3000, event);
          }
        }),
      );
    });

  const others = new Set<string>();
  const suspects = new Set<string>();
  const presence = new Subject<RelayPresence>();
  ledger.presence$.subscribe((event) => {
    if (event.type === 'alive') others.add(event.relayId);
    else others.delete(event.relayId);
    presence.next(event);
  });
  /** Counts a living relay as gone for a while. */
  const suspect = () => {
    const relayId = [...others][Math.floor(random() * others.size)];
    if (relayId === undefined || suspects.has(relayId)) return;
    suspects.add(relayId);
    presence.next({ relayId, type: 'gone' });
    timer(random() * 20_000).subscribe(() => {
      suspects.delete(relayId);
      if (ledger.isAlive(relayId)) presence.next({ relayId, type: 'alive' });
    });
  };

  return {
    ...ledger,
    append: (room, bytes, expectedLast) => {
      if (happens('wrongPresence')) suspect();
      return append(room, bytes, expectedLast);
    },
    reservations: {
      append: appendBy(ledger.reservations.append, true),
      last: (room, options) => concat(delayed$, failed$, ledger.reservations.last(room, options)),
    },
    last: (room, options) =>
      concat(
        delayed$,
        failed$,
        ledger
          .last(room)
          .pipe(
            map(() => engine.records(room).findLast(({ address }) => address <= visibleTo(room, options))),
          ),
      ),
    read: (room, address, options) =>
      concat(
        delayed$,
        failed$,
        defer(() => {
          const visible = visibleTo(room, options);
          return ledger.read(room, address, options).pipe(takeWhile((record) => record.address <= visible));
        }),
      ),
    follow,
    send: (relayId, bytes) => {
      const copy = bytes.slice();
      if (happens('sendLost')) return;
      delayed$.subscribe({
        complete: () => {
          ledger.send(relayId, copy);
        },
      });
    },
    isAlive: (relayId) => ledger.isAlive(relayId) && !suspects.has(relayId),
    presence$: presence.asObservable(),
  };
};
