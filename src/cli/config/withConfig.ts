import { type Command, flagsOf } from '../commandTable.js';
import { CliError } from '../exit.js';
import { type Args, type Flag, flagName } from '../flags.js';
import { hasMeaning, isGiven } from '../wire.js';
import type { Config, Setting } from './config.js';

/** The words of a command line and what a config file adds to them. */
export interface Configured {
  readonly args: Args;
  /** By the keys of the flags that the file has given. */
  readonly settings: ReadonlyMap<string, Setting>;
}

/**
 * Command line before environment before file: what the file says counts where neither of the others says it. What has no
 * meaning over the wire that is spoken is left out, so that one file serves both.
 */
export const withConfig = (
  command: Command,
  args: Args,
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
): Configured => {
  const found = new Map(
    [command.section, command.name].flatMap((name) => [...(config.get(name ?? '') ?? [])]),
  );
  const wire = args.flags['wire'] ?? found.get('wire')?.value;
  const isOpen = (key: string, flag: Flag): boolean =>
    !isGiven(args.flags, key) &&
    (flag.env === undefined || (env[flag.env] ?? '') === '') &&
    !(flag.orInput === true && args.input.length > 0) &&
    (typeof command.load === 'function' || hasMeaning(flag, wire === 'classic' ? wire : 'rxchat/1'));

  const settings = new Map(
    Object.entries(flagsOf(command)).flatMap(([key, flag]) => {
      const setting = found.get(key);
      return setting !== undefined && isOpen(key, flag) ? [[key, setting] as const] : [];
    }),
  );
  const added = Object.fromEntries(Array.from(settings, ([key, { value }]) => [key, value]));
  return { args: { ...args, flags: { ...args.flags, ...added } }, settings };
};

/** An error that speaks of a flag which the file has given, with the place in the file. */
export const blamed = (error: CliError, settings: Configured['settings']): CliError => {
  const text = `${error.message} ${error.hint ?? ''}`;
  const [, setting] =
    Array.from(settings).find(([key]) => new RegExp(`${flagName(key)}(?![\\w-])`).test(text)) ?? [];
  return setting === undefined
    ? error
    : new CliError(error.exitCode, `${setting.where}: ${error.message}`, error.hint);
};
