import type { Heard, Resume } from '../../../streams/index.js';

/** What is known once the past is read. */
export type Found =
  | { readonly type: 'held'; readonly held: readonly Heard[] }
  | { readonly type: 'again'; readonly after: Resume; readonly skipped: number }
  | { readonly type: 'further-back' };

/** Reads what the log has, and holds back of it what comes with the newest `count` messages. */
export interface Past {
  /** What is to be passed on at once: all, once it has concluded. */
  readonly take: (heard: Heard) => readonly Heard[];
  readonly conclude: (mayReadFurther: boolean) => Found;
  /** What is held back, if what is heard is over before that. */
  readonly rest: () => readonly Heard[];
}

export const readPast = (count: number, heldBytes: number): Past => {
  const places = messagePlaces(count);
  let held: Heard[] = [];
  let first = 0;
  let messages = 0;
  let bytes = 0;
  let kept: Heard[] = [];
  let isHolding = true;
  let isOver = false;
  let log = '';
  let begin = 1;
  let hasMore = false;

  const dropOldest = () => {
    for (; messages > count; first += 1) {
      const oldest = held[first];
      if (oldest === undefined) break;
      bytes -= sizeOf(oldest);
      if (oldest.type === 'message') messages -= 1;
      if (!isOfThePast(oldest)) kept.push(oldest);
    }
    if (first > 1024 && first > held.length / 2) {
      held = held.slice(first);
      first = 0;
    }
  };

  const hold = (heard: Heard) => {
    places.take(heard);
    if (!isHolding) return;
    held.push(heard);
    bytes += sizeOf(heard);
    if (heard.type === 'message') messages += 1;
    dropOldest();
    if (bytes <= heldBytes) return;
    isHolding = false;
    held = [];
    kept = [];
  };

  const rest = (): readonly Heard[] => {
    const all = [...kept, ...held.slice(first)];
    held = [];
    kept = [];
    return all;
  };

  return {
    take: (heard) => {
      if (heard.type === 'welcome' && log === '') {
        ({ log, from: begin } = heard);
        hasMore = heard.from > heard.first;
      }
      if (isOver || heard.type === 'welcome' || heard.type === 'offline') return [heard];
      hold(heard);
      return [];
    },
    conclude: (mayReadFurther) => {
      isOver = true;
      if (mayReadFurther && hasMore && places.seen < count) return { type: 'further-back' };
      if (isHolding) return { type: 'held', held: rest() };
      const { position, skipped } = places.newest(begin);
      return { type: 'again', after: { log, n: position - 1 }, skipped };
    },
    rest,
  };
};

/** How many places are remembered. */
const PLACES = 512;

/** Counts messages, and remembers at which entries there were how many: a few entries, however many are read. */
const messagePlaces = (count: number) => {
  let places: { readonly position: number; readonly seen: number }[] = [];
  let seen = 0;
  let step = 1;

  const remember = (position: number) => {
    const last = places.at(-1);
    if (last !== undefined && seen - last.seen < step) return;
    places.push({ position, seen });
    if (places.length <= PLACES) return;
    const needed = places.findLastIndex((place) => seen - place.seen >= count);
    places = places.slice(Math.max(needed, 0));
    if (places.length <= PLACES / 2) return;
    places = places.filter((_, at) => at % 2 === 0);
    step *= 2;
  };

  return {
    take: (heard: Heard) => {
      if (heard.type !== 'message') return;
      // An entry can be read from its first line on only.
      if (heard.index === 0) remember(heard.position);
      seen += 1;
    },
    get seen() {
      return seen;
    },
    /** The entry from which on there are the newest messages, and how many others of it and behind it are before them. */
    newest: (begin: number) => {
      const place = places.findLast((each) => seen - each.seen >= count) ?? { position: begin, seen: 0 };
      return { position: place.position, skipped: Math.max(0, seen - place.seen - count) };
    },
  };
};

/** What is said of entries of the log, and so is left out with them. */
const PAST: ReadonlySet<Heard['type']> = new Set<Heard['type']>([
  'message',
  'repeated',
  'undecryptable',
  'joined',
  'left',
  'gap',
  'log-changed',
  'alarm',
  'first-sight',
  'key-changed',
]);

export const isOfThePast = ({ type }: Heard): boolean => PAST.has(type);

/** For each thing, what its object takes, in bytes. */
const OBJECT_BYTES = 512;

const sizeOf = (heard: Heard): number =>
  OBJECT_BYTES + (heard.type === 'message' ? 2 * heard.text.length : 0);
