import { type Wire, WIRES } from './choices.js';
import type { Command, Run } from './commandTable.js';
import { usageError } from './exit.js';
import { type Args, choice, type Flag, flagLabel, type Flags } from './flags.js';

/**
 * Loads a command for the wire that `--wire` names, and nothing of another. Throws a `usageError` where something was
 * given that has no meaning there.
 */
export const loadCommand = ({ load, flags }: Command, args: Args): Promise<Run> => {
  if (typeof load === 'function') return load();
  const wire = choice(args.flags, 'wire', WIRES);
  checkFlags(wire, flags, args);
  return load[wire]();
};

/** Whether a command line has a flag. */
export const isGiven = (flags: Flags, key: string): boolean => {
  const value = flags[key];
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
};

/** Whether a flag means something over a wire. */
export const hasMeaning = ({ wires }: Flag, wire: Wire): boolean =>
  wires === 'any' || (wires === 'classic') === (wire === 'classic');

const checkFlags = (wire: Wire, known: Readonly<Record<string, Flag>>, { input, flags }: Args): void => {
  for (const [key, flag] of Object.entries(known)) {
    if (!isGiven(flags, key) || hasMeaning(flag, wire)) continue;
    throw usageError(
      wire === 'classic'
        ? `${flagLabel(key, flag)} has no meaning with --wire classic`
        : `${flagLabel(key, flag)} has a meaning with --wire classic alone`,
    );
  }
  if (wire === 'classic' && input.length > 0)
    throw usageError(
      'the classic wire has no invites',
      'give --host and --port, and the key with --key-file or in RXCHAT_KEY',
    );
};
