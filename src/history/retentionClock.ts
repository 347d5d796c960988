/**
 * The time by which entries are too old. It never runs ahead of the time that has really passed: if the clock of the
 * machine jumps forward, this one goes on at its own pace. Times are in ms, those of the machine since 1970.
 */
export interface RetentionClock {
  /** The time by which entries are too old. It is the machine's, or behind it. */
  readonly time: number;
  /** The machine's time when this was computed. */
  readonly machine: number;
  /** For how long the machine's clock has run evenly since it last jumped. */
  readonly evenMs: number;
}

const DAY = 86_400_000;

/** How far, in ms, the machine's clock may step ahead without a doubt: a pause, a restart, a correction. */
export const toleratedStep = (age: number): number => Math.min(DAY, age / 8);

/** How far the machine's clock is ahead of this one. */
export const aheadOf = ({ time, machine }: RetentionClock): number => machine - time;

/** A clock that believes the machine. */
export const trustedClock = (machine: number): RetentionClock => ({ time: machine, machine, evenMs: 0 });

/** The clock of a store that never noted a time, by the newest time that is known of its entries. */
export const clockFromEntries = (newest: number, machine: number): RetentionClock =>
  newest < machine ? { time: newest, machine: newest, evenMs: 0 } : trustedClock(machine);

/**
 * The clock some time later. A step ahead beyond what is tolerated counts as `passed` alone. The machine is believed again
 * once its clock has run evenly for `age`: every entry from before the step is too old by then.
 *
 * @param passed how much time has passed by a clock that nobody sets; 0 across a restart, since nothing tells.
 */
export const tickClock = (
  { time, machine: before, evenMs }: RetentionClock,
  machine: number,
  passed: number,
  age: number,
): RetentionClock => {
  const step = machine - before;
  if (step - passed > toleratedStep(age))
    return { time: Math.min(machine, time + passed), machine, evenMs: 0 };
  const even = evenMs + Math.max(0, step);
  const isBelieved = even >= age;
  return {
    time: isBelieved ? machine : Math.min(machine, time + Math.max(step, passed)),
    machine,
    evenMs: even,
  };
};
