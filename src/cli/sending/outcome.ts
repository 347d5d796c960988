import { CliError, Exit } from '../exit.js';

/** What became of the lines of a sender, in numbers. */
export interface Outcome {
  /** Lines that came back: the relay has them. */
  readonly stored: number;
  /** Lines that were read and have no receipt. */
  readonly unconfirmed: number;
  /** Lines that were dropped, as `--drop` asks. */
  readonly dropped: number;
  /** Whether all of the input was read: the numbers are exact. */
  readonly isAll: boolean;
  /** Whether the relay has let it in: what has no receipt may have arrived. */
  readonly wasIn: boolean;
}

/** `sent 93 of 100, 7 not confirmed`. */
export const outcomeText = ({ stored, unconfirmed, dropped, isAll }: Outcome): string => {
  const atLeast = isAll ? '' : 'at least ';
  return [
    `sent ${stored} of ${atLeast}${stored + unconfirmed + dropped}`,
    ...(dropped === 0 ? [] : [`${dropped} dropped`]),
    ...(unconfirmed === 0 ? [] : [`${atLeast}${unconfirmed} not confirmed`]),
  ].join(', ');
};

/** A failure that ended the sending, with what became of the lines; the exit code says whether any may have arrived. */
export const withOutcome = ({ exitCode, message, hint }: CliError, outcome: Outcome): CliError => {
  const lost = outcome.unconfirmed + outcome.dropped;
  if (lost + outcome.stored === 0 && exitCode !== Exit.limit) return new CliError(exitCode, message, hint);
  // What follows is not counted: the message says that none of it was sent.
  if (exitCode === Exit.limit && lost === 0)
    return new CliError(exitCode, `${message}; sent ${outcome.stored}`, hint);
  const isPartly = exitCode === Exit.network && outcome.wasIn && lost > 0;
  return new CliError(isPartly ? Exit.partly : exitCode, `${message}; ${outcomeText(outcome)}`, hint);
};
