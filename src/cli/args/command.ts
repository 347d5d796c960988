import type { Observable } from 'rxjs';
import { type Wire, WIRES } from './choices.js';
import { type Args, type Flag, choiceFlag, flagLabel, type Flags } from './flags.js';
import { usageError } from '../process/exit.js';

/** What a command may need of the program that runs it. */
export interface Program {
  readonly version: string;
  /** Reads the config file again, and returns the flags with its present settings. Rejects with a `CliError`. */
  readonly loadFlags: () => Promise<Flags>;
}

/** Runs a command. The last value emitted is its exit code. */
export type Run = (args: Args, program: Program) => Observable<number>;

type LoadCommand = () => Promise<Run>;

/** Describes a command for the parser, the help, the completions and the manual. */
export interface CliCommand {
  readonly name: string;
  /** Argument after the command name, for the help; empty if the command takes no argument. */
  readonly input: string;
  readonly maxInputs: 0 | 1 | 2;
  /** Allowed values of the argument. */
  readonly inputChoices?: readonly string[];
  readonly summary: string;
  readonly examples: readonly string[];
  readonly flags: Readonly<Record<string, Flag>>;
  /** Section of the config file that several commands share, in addition to their own. */
  readonly section?: 'clients';
  /** Imports the command. An object has a loader for each protocol that the command supports. */
  readonly load: LoadCommand | Readonly<Record<Wire, LoadCommand>>;
}

const COMMON_FLAGS: Readonly<Record<string, Flag>> = {
  help: { type: 'boolean', short: 'h', help: 'show this help' },
  input: { type: 'boolean', negated: true, help: 'never prompt; exit 2 if something is missing' },
  color: {
    type: 'boolean',
    negated: true,
    help: 'no colours (also with NO_COLOR, TERM=dumb or in a pipe)',
  },
};

/** Returns the flags of a command, including those that every command has. */
export const allFlags = ({ flags }: Pick<CliCommand, 'flags'>): CliCommand['flags'] => ({
  ...flags,
  ...COMMON_FLAGS,
});

/**
 * Loads a command for the wire that `--wire` names, without the code of other wires. Throws a `usageError` if
 * a given flag does not apply to that wire.
 */
export const loadCommand = ({ load, flags }: CliCommand, args: Args): Promise<Run> => {
  if (typeof load === 'function') return load();
  const wire = choiceFlag(args.flags, 'wire', WIRES);
  checkProtocolFlags(wire, flags, args);
  return load[wire]();
};

/** Whether a flag is given. */
export const isGiven = (flags: Flags, key: string): boolean => {
  const value = flags[key];
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
};

/** Whether a flag applies to a wire. */
export const appliesTo = ({ wires }: Flag, wire: Wire): boolean =>
  wires === 'any' || (wires === 'classic') === (wire === 'classic');

const checkProtocolFlags = (
  wire: Wire,
  known: Readonly<Record<string, Flag>>,
  { input, flags }: Args,
): void => {
  for (const [key, flag] of Object.entries(known)) {
    if (!isGiven(flags, key) || appliesTo(flag, wire)) continue;
    throw usageError(
      wire === 'classic'
        ? `${flagLabel(key, flag)} does not apply to --wire classic`
        : `${flagLabel(key, flag)} applies only to --wire classic`,
    );
  }
  if (wire === 'classic' && input.length > 0)
    throw usageError(
      'the classic wire has no invites',
      'give --host and --port, and the key with --key-file or in RXCHAT_KEY',
    );
};
