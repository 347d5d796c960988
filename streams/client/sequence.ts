import type { AlarmReason } from './alarm.js';

/** The numbers of one session's envelopes, as they come. */
export interface Sequence {
  /** Up to where the sender had receipts, by its own word. */
  readonly stored: number;
  /** Takes the word. */
  confirm(stored: number): void;
  /** Takes a number; `broken`: something may have been missed since the last one. */
  take(counter: number, broken: boolean): Place;
  /** All these had to come by now, whatever excuse there seemed to be: whether one has not. It is told once. */
  isMissing(from: number, to: number): boolean;
}

/** Where a number belongs. */
export interface Place {
  /** It came before, whatever was under it. */
  readonly had: boolean;
  readonly reason?: Extract<AlarmReason, 'hole' | 'reordered' | 'replayed'>;
}

/** Numbers that have not come. */
interface Missing {
  readonly from: number;
  readonly to: number;
  /** There may be a good reason for that, so they may come later. */
  readonly excused: boolean;
}

/** How many ranges of missing numbers are remembered; what is older counts as had. */
const KEPT = 16;

/**
 * Follows the numbers of a session. Its envelopes come in order, but for those that are sent again: a sender that cannot
 * know whether they were stored sends all from there on once more. So what comes late is in order as long as the sender
 * has said of none of it that it was stored, and a break may hide its first coming.
 *
 * ```text
 * counter   3   4   7      5           4
 *           -   -   hole   reordered   had
 * ```
 */
export const sequence = (): Sequence => {
  let highest = 0;
  let stored = 0;
  let missing: readonly Missing[] = [];

  return {
    get stored() {
      return stored;
    },
    confirm: (more) => {
      stored = Math.max(stored, more);
    },
    take: (counter, broken) => {
      if (counter > highest) {
        const [from, to] = [highest + 1, counter - 1];
        // Where it is the first of this session, nobody knows what was before.
        const excused = broken || highest === 0;
        highest = counter;
        if (to < from) return { had: false };
        missing = [...missing, { from, to, excused }].slice(-KEPT);
        return excused ? { had: false } : { had: false, reason: 'hole' };
      }
      const range = missing.find(({ from, to }) => from <= counter && counter <= to);
      const late = counter <= stored;
      if (range === undefined) return late ? { had: true, reason: 'replayed' } : { had: true };
      missing = missing.flatMap((each) => (each === range ? without(each, counter) : [each])).slice(-KEPT);
      if (!range.excused) return { had: false, reason: 'reordered' };
      return late ? { had: false, reason: 'replayed' } : { had: false };
    },
    isMissing: (from, to) => {
      const owed = missing.filter((each) => each.excused && each.from <= to && each.to >= from);
      missing = missing.map((each) => (owed.includes(each) ? { ...each, excused: false } : each));
      return owed.length > 0;
    },
  };
};

const without = ({ from, to, excused }: Missing, counter: number): readonly Missing[] =>
  [
    { from, to: counter - 1, excused },
    { from: counter + 1, to, excused },
  ].filter((each) => each.from <= each.to);
