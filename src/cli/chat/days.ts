import { shown } from '../../terminal/visible.js';
import { day, dayNumber } from './clock.js';
import { type Line, mark } from './line.js';

/** By how much, in ms, times may be out of order before one of them is doubted. */
const TOLERANCE = 600_000;

/** With so many before and behind it a time is compared. */
export const AROUND = 5;

/** What to show of the time of a message besides its hour. */
export interface Timing {
  /** A rule that stands before it, where a new day begins. */
  readonly rule: readonly Line[];
  /** `date`: it is of another day than the rule says; `clock`: its sender's clock is probably wrong. */
  readonly doubt: Line['doubt'];
}

/** The times that messages were said at, by the clocks of their senders, of which any may be wrong. */
export interface Days {
  /** Takes the next message: those that are known to follow it, and when it was heard, if that was at once. */
  readonly take: (time: number, next: readonly number[], now: number, isLive: boolean) => Timing;
  /** The same for a message that is shown once more. */
  readonly again: (time: number) => Line['doubt'];
}

/** Draws the rules of days only forward, and doubts times that are far from those around them. */
export const days = (utc: boolean): Days => {
  let current: number | undefined;
  /** Those before, but for what was too far ahead. */
  let before: readonly number[] = [];

  const doubtOf = (time: number, isOff: boolean): Line['doubt'] => {
    if (current !== undefined && dayNumber(time, utc) !== current) return 'date';
    return isOff ? 'clock' : undefined;
  };

  return {
    take: (time, next, now, isLive) => {
      const later = [...next, now];
      const isAhead = isMost(later, (each) => each < time - TOLERANCE);
      const isBehind =
        isMost(before, (each) => each > time + TOLERANCE) || (isLive && time < now - TOLERANCE);
      if (!isAhead) before = [...before, time].slice(-AROUND);
      const its = dayNumber(time, utc);
      const isForward = !isAhead && !isBehind && its > (current ?? -Infinity);
      const isNews = isForward && (current !== undefined || its !== dayNumber(now, utc));
      // What comes first says which day it is, unless it is doubted.
      if (isForward) current = its;
      else current ??= dayNumber(now, utc);
      return {
        rule: isNews ? [mark(shown`${day(time, utc)}`)] : [],
        doubt: doubtOf(time, isAhead || isBehind),
      };
    },
    again: (time) => doubtOf(time, false),
  };
};

const isMost = (times: readonly number[], is: (time: number) => boolean): boolean =>
  times.filter(is).length * 2 > times.length;
