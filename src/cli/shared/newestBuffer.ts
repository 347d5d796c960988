import type { ClientEvent, Resume } from '../../../streams/index.js';

/**
 * Result of reading the past: the buffered events, a position to reread from, or a request to read further
 * back.
 */
type NewestResult =
  | { readonly type: 'held'; readonly buffered: readonly ClientEvent[] }
  | { readonly type: 'again'; readonly after: Resume; readonly skipped: number }
  | { readonly type: 'further-back' };

/** Reads the past and buffers the events that belong to the newest `count` messages. */
interface NewestBuffer {
  /** Adds an event and returns the events to pass on now. After `finish`, it returns every event. */
  readonly add: (event: ClientEvent) => readonly ClientEvent[];
  readonly finish: (mayReadFurther: boolean) => NewestResult;
  /** Returns the buffered events if the stream ends before `finish`. */
  readonly drain: () => readonly ClientEvent[];
}

/** Creates a buffer for the newest `count` messages. It gives up buffering above `limitBytes`. */
export const newestBuffer = (count: number, limitBytes: number): NewestBuffer => {
  const index = messageIndex(count);
  let buffered: ClientEvent[] = [];
  let first = 0;
  let messages = 0;
  let bytes = 0;
  let retained: ClientEvent[] = [];
  let isBuffering = true;
  let isFinished = false;
  let log = '';
  let firstPosition = 1;
  let hasMore = false;

  const dropOldest = () => {
    for (; messages > count; first += 1) {
      const oldest = buffered[first];
      if (oldest === undefined) break;
      bytes -= sizeInBytes(oldest);
      if (oldest.type === 'message') messages -= 1;
      if (!isLogEvent(oldest)) retained.push(oldest);
    }
    if (first > 1024 && first > buffered.length / 2) {
      buffered = buffered.slice(first);
      first = 0;
    }
  };

  const buffer = (event: ClientEvent) => {
    index.take(event);
    if (!isBuffering) return;
    buffered.push(event);
    bytes += sizeInBytes(event);
    if (event.type === 'message') messages += 1;
    dropOldest();
    if (bytes <= limitBytes) return;
    isBuffering = false;
    buffered = [];
    retained = [];
  };

  const drain = (): readonly ClientEvent[] => {
    const all = [...retained, ...buffered.slice(first)];
    buffered = [];
    retained = [];
    return all;
  };

  return {
    add: (event) => {
      if (event.type === 'welcome' && log === '') {
        ({ log, from: firstPosition } = event);
        hasMore = event.from > event.first;
      }
      if (isFinished || event.type === 'welcome' || event.type === 'offline') return [event];
      buffer(event);
      return [];
    },
    finish: (canReadFurther) => {
      isFinished = true;
      if (canReadFurther && hasMore && index.seen < count) return { type: 'further-back' };
      if (isBuffering) return { type: 'held', buffered: drain() };
      const { position, skipped } = index.newest(firstPosition);
      return { type: 'again', after: { log, n: position - 1 }, skipped };
    },
    drain,
  };
};

/** Maximum number of positions that are remembered. */
const MAX_INDEX_ENTRIES = 512;

/**
 * Counts messages and remembers the count at some positions. Memory is bounded, however many messages are
 * read.
 */
const messageIndex = (count: number) => {
  let entries: { readonly position: number; readonly seen: number }[] = [];
  let seen = 0;
  let step = 1;

  const remember = (position: number) => {
    const last = entries.at(-1);
    if (last !== undefined && seen - last.seen < step) return;
    entries.push({ position, seen });
    if (entries.length <= MAX_INDEX_ENTRIES) return;
    const needed = entries.findLastIndex((place) => seen - place.seen >= count);
    entries = entries.slice(Math.max(needed, 0));
    if (entries.length <= MAX_INDEX_ENTRIES / 2) return;
    entries = entries.filter((_, at) => at % 2 === 0);
    step *= 2;
  };

  return {
    take: (event: ClientEvent) => {
      if (event.type !== 'message') return;
      // Reading can start only at the first line of an entry.
      if (event.index === 0) remember(event.position);
      seen += 1;
    },
    get seen() {
      return seen;
    },
    /** Returns the entry to start at, and how many older messages to skip. */
    newest: (begin: number) => {
      const place = entries.findLast((each) => seen - each.seen >= count) ?? { position: begin, seen: 0 };
      return { position: place.position, skipped: Math.max(0, seen - place.seen - count) };
    },
  };
};

/** Types of events about log entries; they are skipped together with the entries. */
const LOG_EVENT_TYPES: ReadonlySet<ClientEvent['type']> = new Set<ClientEvent['type']>([
  'message',
  'duplicate',
  'undecryptable',
  'joined',
  'left',
  'gap',
  'log-changed',
  'alarm',
  'first-seen',
  'key-changed',
]);

/** Whether an event is about an entry of the log, and not about the connection. */
export const isLogEvent = ({ type }: ClientEvent): boolean => LOG_EVENT_TYPES.has(type);

/** Estimated memory of an event object, in bytes. */
const OBJECT_BYTES = 512;

const sizeInBytes = (event: ClientEvent): number =>
  OBJECT_BYTES + (event.type === 'message' ? 2 * event.text.length : 0);
