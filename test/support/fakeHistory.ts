import { Observable, type Subscriber, take, timer } from 'rxjs';
import type { Batch, Gap, History, StoredLog } from '../../streams/relay/history.js';
import { eachLine, type Lines } from '../../streams/wire/lines.js';
import { decodeTextLossy } from '../../streams/wire/utf8.js';

export interface FakeHistoryOptions {
  readonly durability?: 'os' | 'disk';
  /** How long storing takes: until it emits or completes, which must not be within the call. A timer of 0 ms. */
  readonly delay?: () => Observable<unknown>;
  /** Asked whenever a batch is to be stored: `true`, and its `append` errors. */
  readonly failing?: () => boolean;
  /** Asked for each batch that is in flight at a `crash`: `true`, and it is stored all the same. */
  readonly keepsInFlight?: () => boolean;
  /** Asked at each `open`: `true`, and it throws. */
  readonly unreadable?: () => boolean;
  /** How many bytes a read gives at most, but for one long line. 64 KiB. */
  readonly slice?: number;
}

/** A store in memory. It outlives the relays that use it: to restart one, give the next the same store. */
export interface FakeHistory extends History {
  /** The rooms of which something was ever stored. */
  readonly rooms: readonly string[];
  /** How many batches were handed over and are not stored yet. */
  readonly inFlight: number;
  /** How many batches were stored. */
  readonly stored: number;
  /** The lines of a room that are kept, each without its newline. */
  lines(room: string): readonly string[];
  /** What the store knows of a room; `undefined` where nothing was stored. */
  told(room: string): { readonly id: string; readonly first: number; readonly next: number } | undefined;
  /** Takes the lines before a position away, as retention does. */
  forget(room: string, before: number): void;
  /** Reads from `from` to `to`, both included, give a gap from now on. */
  damage(room: string, from: number, to: number): void;
  /** The relay is gone at once: what is in flight is stored or not, nobody is told, and its logs store no more. */
  crash(): void;
}

interface Kept {
  id: string;
  first: number;
  stored: boolean;
  lines: Uint8Array[];
  damaged: Gap[];
}

interface Flight {
  readonly kept: Kept;
  readonly batch: Batch;
  outcome: 'flying' | 'stored' | 'failed';
}

/** The durable history in memory, with time, failures and crashes as a test wants them. Works on virtual time. */
export const fakeHistory = ({
  durability = 'os',
  delay = () => timer(0),
  failing = () => false,
  keepsInFlight = () => false,
  unreadable = () => false,
  slice = 65_536,
}: FakeHistoryOptions = {}): FakeHistory => {
  const rooms = new Map<string, Kept>();
  let flights = new Set<Flight>();
  let life = 0;
  let stored = 0;

  const next = ({ first, lines }: Kept) => first + lines.length;

  const land = (flight: Flight, fails: boolean) => {
    if (flight.outcome !== 'flying') return;
    flight.outcome = fails ? 'failed' : 'stored';
    if (fails) return;
    const { kept, batch } = flight;
    for (const line of batch.slices.flatMap((bytes) => [...eachLine({ bytes, count: 0 })]))
      kept.lines.push(line.slice());
    kept.stored = true;
    stored += 1;
  };

  const handOver = (kept: Kept, room: string, batch: Batch, subscriber: Subscriber<never>, born: number) => {
    if (born !== life) return;
    const known = rooms.get(room);
    const isElsewhere = known?.stored === true && known !== kept;
    const isBusy = [...flights].some((each) => each.kept === kept && each.outcome === 'flying');
    if (batch.first !== next(kept) || isElsewhere || isBusy) {
      subscriber.error(new Error(`a batch for position ${batch.first} of a log that is at ${next(kept)}`));
      return;
    }
    rooms.set(room, kept);
    const flight: Flight = { kept, batch, outcome: 'flying' };
    flights.add(flight);
    // Not the subscriber's to end: what was handed over is stored though nobody waits for it.
    delay()
      .pipe(take(1))
      .subscribe({
        complete: () => {
          if (!flights.delete(flight)) return;
          land(flight, failing());
          if (flight.outcome === 'stored') subscriber.complete();
          else subscriber.error(new Error('the store is full'));
        },
      });
  };

  const read = (kept: Kept, from: number): Lines | Gap | undefined => {
    const position = Math.max(1, from);
    if (position >= next(kept)) return undefined;
    if (position < kept.first) return { from: position, to: kept.first - 1 };
    const torn = kept.damaged.find((gap) => gap.from <= position && position <= gap.to);
    if (torn !== undefined) return { from: position, to: torn.to };
    const end = Math.min(
      ...kept.damaged.map((gap) => gap.from).filter((start) => start > position),
      next(kept),
    );
    const taken: Uint8Array[] = [];
    let size = 0;
    for (const line of kept.lines.slice(position - kept.first, end - kept.first)) {
      if (taken.length > 0 && size + line.length > slice) break;
      taken.push(line);
      size += line.length;
    }
    return { bytes: new Uint8Array(Buffer.concat(taken)), count: taken.length };
  };

  const open = (room: string, newId: () => string): StoredLog => {
    if (unreadable()) throw new Error('the store cannot be read');
    const born = life;
    // As the real one does, so that `next` is not raised under the new log by what the last one handed over.
    for (const flight of flights) if (flight.kept === rooms.get(room)) land(flight, failing());
    const known = rooms.get(room);
    const kept =
      known?.stored === true ? known : { id: newId(), first: 1, stored: false, lines: [], damaged: [] };
    return {
      id: kept.id,
      get first() {
        return kept.first;
      },
      get next() {
        return next(kept);
      },
      read: (position) => read(kept, position),
      append: (batch) =>
        new Observable((subscriber) => {
          handOver(kept, room, batch, subscriber, born);
        }),
    };
  };

  const told = (room: string) => {
    const kept = rooms.get(room);
    return kept?.stored === true ? { id: kept.id, first: kept.first, next: next(kept) } : undefined;
  };

  return {
    durability,
    open,
    told,
    get rooms() {
      return [...rooms].filter(([, kept]) => kept.stored).map(([room]) => room);
    },
    get inFlight() {
      return [...flights].filter(({ outcome }) => outcome === 'flying').length;
    },
    get stored() {
      return stored;
    },
    lines: (room) => (rooms.get(room)?.lines ?? []).map((line) => decodeTextLossy(line).replace(/\n$/, '')),
    forget: (room, before) => {
      const kept = rooms.get(room);
      if (kept === undefined) return;
      kept.first += kept.lines.splice(0, before - kept.first).length;
    },
    damage: (room, from, to) => {
      rooms.get(room)?.damaged.push({ from, to });
    },
    crash: () => {
      life += 1;
      for (const flight of flights) land(flight, !keepsInFlight());
      flights = new Set();
    },
  };
};
