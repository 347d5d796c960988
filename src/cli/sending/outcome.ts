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

/** `sent 93 of 100, 7 not confirmed`; `nothing was sent (0 of 100)`. */
export const outcomeText = ({ stored, unconfirmed, dropped, isAll, wasIn }: Outcome): string => {
  const atLeast = isAll ? '' : 'at least ';
  const all = `${stored} of ${atLeast}${stored + unconfirmed + dropped}`;
  const isUnsure = wasIn && unconfirmed > 0;
  return [
    wasIn || stored > 0 ? `sent ${all}` : `nothing was sent (${all})`,
    ...(dropped === 0 ? [] : [`${dropped} dropped`]),
    ...(isUnsure ? [`${atLeast}${unconfirmed} not confirmed`] : []),
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
