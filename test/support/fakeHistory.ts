import { Observable, type Subscriber, take, timer } from 'rxjs';
import type { Ancestor } from '../../streams/wire/fields.js';
import type { Batch, Gap, History, RemovedEntries, StoredLog } from '../../streams/relay/log/history.js';
import { eachLine, type Lines } from '../../streams/wire/lines.js';
import { decodeTextLossy } from '../../streams/wire/encoding.js';

export interface FakeHistoryOptions {
  readonly durability?: 'os' | 'disk';
  /**
   * Delay of a commit: it ends when this emits or completes, which must not happen synchronously. Default: a timer of
   * 0 ms.
   */
  readonly commitDelay?: () => Observable<unknown>;
  /** Called for each batch; if it returns `true`, `append` errors. */
  readonly failsAppend?: () => boolean;
  /** Called for each batch that is in flight at a `crash`; if it returns `true`, the batch is stored nevertheless. */
  readonly keepsInFlight?: () => boolean;
  /** Called for each `open`; if it returns `true`, `open` throws. */
  readonly failsOpen?: () => boolean;
  /** Maximum bytes of a read, except for one longer line (default 64 KiB). */
  readonly maxReadBytes?: number;
}

/** A store in memory. It outlives the relays that use it: to restart one, give the next the same store. */
export interface FakeHistory extends History {
  /** The rooms that ever stored something. */
  readonly rooms: readonly string[];
  /** Number of batches that were received and are not stored yet. */
  readonly inFlight: number;
  /** Number of stored batches. */
  readonly stored: number;
  /** The retained lines of a room, without newlines. */
  lines(room: string): readonly string[];
  /** Returns the id and positions of a room, or `undefined` if nothing was stored. */
  positionsOf(
    room: string,
  ): { readonly id: string; readonly first: number; readonly next: number } | undefined;
  /** Removes the lines before a position, as retention does. */
  dropBefore(room: string, before: number): void;
  /** From now on, reads from `resumePoint` to `to`, both included, return a gap. */
  damage(room: string, from: number, to: number): void;
  /**
   * Returns a copy of what is stored, as it is now. Its logs continue under other ids, as those of a restored store, unless
   * it `keepsIds`.
   */
  copy(options?: { readonly keepsIds?: boolean }): FakeHistory;
  /** Ends the relay at once. Batches in flight are stored or lost without a notice, and its logs store no more. */
  crash(): void;
}

interface StoredRoom {
  id: string;
  ancestors: readonly Ancestor[];
  isCopied: boolean;
  first: number;
  stored: boolean;
  lines: Uint8Array[];
  damaged: Gap[];
}

interface PendingBatch {
  readonly retained: StoredRoom;
  readonly batch: Batch;
  outcome: 'flying' | 'stored' | 'failed';
}

/** Creates a history in memory, with delays, failures and crashes that a test controls. Works in virtual time. */
export const fakeHistory = (
  options: FakeHistoryOptions = {},
  copied: ReadonlyMap<string, StoredRoom> = new Map(),
  isNewIncarnation = true,
): FakeHistory => {
  const {
    durability = 'os',
    commitDelay = () => timer(0),
    failsAppend = () => false,
    keepsInFlight = () => false,
    failsOpen = () => false,
    maxReadBytes = 65_536,
  } = options;
  const rooms = new Map<string, StoredRoom>();
  for (const [room, { stored, lines, ...rest }] of copied)
    if (stored)
      rooms.set(room, { ...rest, stored, lines: [...lines], isCopied: rest.isCopied || isNewIncarnation });
  let flights = new Set<PendingBatch>();
  let life = 0;
  let stored = 0;

  const next = ({ first, lines }: StoredRoom) => first + lines.length;

  const land = (flight: PendingBatch, fails: boolean) => {
    if (flight.outcome !== 'flying') return;
    flight.outcome = fails ? 'failed' : 'stored';
    if (fails) return;
    const { retained: saved, batch } = flight;
    for (const line of batch.slices.flatMap((bytes) => [...eachLine({ bytes, count: 0 })]))
      saved.lines.push(line.slice());
    saved.stored = true;
    stored += 1;
  };

  const handOver = (
    retained: StoredRoom,
    room: string,
    batch: Batch,
    subscriber: Subscriber<never>,
    born: number,
  ) => {
    if (born !== life) return;
    const known = rooms.get(room);
    const isElsewhere = known?.stored === true && known !== retained;
    const isBusy = [...flights].some((each) => each.retained === retained && each.outcome === 'flying');
    if (batch.first !== next(retained) || isElsewhere || isBusy) {
      subscriber.error(
        new Error(`a batch for position ${batch.first} of a log that is at ${next(retained)}`),
      );
      return;
    }
    rooms.set(room, retained);
    const flight: PendingBatch = { retained, batch, outcome: 'flying' };
    flights.add(flight);
    // Unsubscribing does not cancel this: a batch that was received is stored even if nobody waits for it.
    commitDelay()
      .pipe(take(1))
      .subscribe({
        complete: () => {
          if (!flights.delete(flight)) return;
          land(flight, failsAppend());
          if (flight.outcome === 'stored') subscriber.complete();
          else subscriber.error(new Error('the store is full'));
        },
      });
  };

  const read = (retained: StoredRoom, from: number): Lines | Gap | undefined => {
    const position = Math.max(1, from);
    if (position >= next(retained)) return undefined;
    if (position < retained.first) return { from: position, to: retained.first - 1 };
    const torn = retained.damaged.find((gap) => gap.from <= position && position <= gap.to);
    if (torn !== undefined) return { from: position, to: torn.to };
    const end = Math.min(
      ...retained.damaged.map((gap) => gap.from).filter((start) => start > position),
      next(retained),
    );
    const taken: Uint8Array[] = [];
    let size = 0;
    for (const line of retained.lines.slice(position - retained.first, end - retained.first)) {
      if (taken.length > 0 && size + line.length > maxReadBytes) break;
      taken.push(line);
      size += line.length;
    }
    return { bytes: new Uint8Array(Buffer.concat(taken)), count: taken.length };
  };

  const open = (room: string, newId: () => string): StoredLog => {
    if (failsOpen()) throw new Error('the store cannot be read');
    const born = life;
    // As in the real history, so that batches of the previous log do not raise `next` of the new log.
    for (const flight of flights) if (flight.retained === rooms.get(room)) land(flight, failsAppend());
    const known = rooms.get(room);
    const retained =
      known?.stored === true
        ? known
        : { id: newId(), ancestors: [], isCopied: false, first: 1, stored: false, lines: [], damaged: [] };
    if (retained.isCopied) {
      const { id, ancestors } = retained;
      const former = { log: id, n: next(retained) - 1 };
      Object.assign(retained, { id: newId(), ancestors: [former, ...ancestors], isCopied: false });
    }
    return {
      id: retained.id,
      ancestors: retained.ancestors,
      get first() {
        return retained.first;
      },
      get next() {
        return next(retained);
      },
      read: (position) => read(retained, position),
      append: (batch) =>
        new Observable((subscriber) => {
          handOver(retained, room, batch, subscriber, born);
        }),
    };
  };

  const reportedBy = (room: string) => {
    const retained = rooms.get(room);
    return retained?.stored === true
      ? { id: retained.id, first: retained.first, next: next(retained) }
      : undefined;
  };

  const remove = (room: string): Observable<RemovedEntries> =>
    new Observable((subscriber) => {
      const known = rooms.get(room);
      for (const flight of flights) if (flight.retained === known) land(flight, failsAppend());
      const lines = known?.stored === true ? known.lines : [];
      const subscription = commitDelay()
        .pipe(take(1))
        .subscribe({
          complete: () => {
            rooms.delete(room);
            subscriber.next({
              entries: lines.length,
              bytes: lines.reduce((sum, line) => sum + line.length, 0),
            });
            subscriber.complete();
          },
        });
      return subscription;
    });

  return {
    durability,
    open,
    remove,
    has: (room) => rooms.get(room)?.stored === true,
    positionsOf: reportedBy,
    get rooms() {
      return [...rooms].filter(([, retained]) => retained.stored).map(([room]) => room);
    },
    get inFlight() {
      return [...flights].filter(({ outcome }) => outcome === 'flying').length;
    },
    get stored() {
      return stored;
    },
    lines: (room) => (rooms.get(room)?.lines ?? []).map((line) => decodeTextLossy(line).replace(/\n$/, '')),
    dropBefore: (room, before) => {
      const retained = rooms.get(room);
      if (retained === undefined) return;
      retained.first += retained.lines.splice(0, before - retained.first).length;
    },
    damage: (room, from, to) => {
      rooms.get(room)?.damaged.push({ from, to });
    },
    copy: ({ keepsIds = false } = {}) => fakeHistory(options, rooms, !keepsIds),
    crash: () => {
      life += 1;
      for (const flight of flights) land(flight, !keepsInFlight());
      flights = new Set();
    },
  };
};
