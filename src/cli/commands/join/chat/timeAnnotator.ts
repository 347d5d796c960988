import { safe } from '../../../../text/sanitize.js';
import { formatDay, dayNumber } from '../../../../text/format.js';
import { type Line, separator } from './line.js';

/** Tolerance in ms for times that are out of order, before a clock is doubted. */
const TOLERANCE_MS = 600_000;

/** Number of messages before and after that a time is compared with. */
export const NEIGHBOUR_COUNT = 5;

/** Annotations to show with the time of a message. */
export interface TimeAnnotation {
  /** A separator before the message, if a new day begins. */
  readonly separator: readonly Line[];
  /** `date`: not the day of the separator; `clock`: the sender's clock is probably wrong. */
  readonly doubt: Line['doubt'];
}

/** Annotates the times of messages by the clocks of their senders, which may be wrong. */
interface TimeAnnotator {
  /** Annotates the next message, given the following times, the current time and its liveness. */
  readonly annotate: (time: number, next: readonly number[], now: number, isLive: boolean) => TimeAnnotation;
  /** Returns the doubt about the time of a message that is shown again. */
  readonly doubtWhenRepeated: (time: number) => Line['doubt'];
}

/** Creates an annotator that begins days only forward, and doubts outlying times. */
export const timeAnnotator = (utc: boolean): TimeAnnotator => {
  let currentDay: number | undefined;
  /** The times before, without those too far ahead. */
  let previous: readonly number[] = [];

  const doubtOf = (time: number, isOutlying: boolean): Line['doubt'] => {
    if (currentDay !== undefined && dayNumber(time, utc) !== currentDay) return 'date';
    return isOutlying ? 'clock' : undefined;
  };

  return {
    annotate: (time, nextTimes, now, isLive) => {
      const following = [...nextTimes, now];
      const isAhead = isMajority(following, (each) => each < time - TOLERANCE_MS);
      const isBehind =
        isMajority(previous, (each) => each > time + TOLERANCE_MS) || (isLive && time < now - TOLERANCE_MS);
      if (!isAhead) previous = [...previous, time].slice(-NEIGHBOUR_COUNT);
      const messageDay = dayNumber(time, utc);
      const isForward = !isAhead && !isBehind && messageDay > (currentDay ?? -Infinity);
      const startsDay = isForward && (currentDay !== undefined || messageDay !== dayNumber(now, utc));
      // The first message sets the day, unless its time is doubted.
      if (isForward) currentDay = messageDay;
      else currentDay ??= dayNumber(now, utc);
      return {
        separator: startsDay ? [separator(safe`${formatDay(time, utc)}`)] : [],
        doubt: doubtOf(time, isAhead || isBehind),
      };
    },
    doubtWhenRepeated: (time) => doubtOf(time, false),
  };
};

const isMajority = (times: readonly number[], predicate: (time: number) => boolean): boolean =>
  times.filter(predicate).length * 2 > times.length;
