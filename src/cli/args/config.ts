import { join } from 'node:path';
import { IdentityError, readTrustedFile } from '../../identity/privateFile.js';
import { type CliCommand, allFlags, appliesTo, isGiven } from './command.js';
import { usageError, CliError } from '../process/exit.js';
import { configDir } from '../process/environment.js';
import { type Args, type Flag, flagName } from './flags.js';
import type { Config, Setting } from './parseConfig.js';

/** Loads the config file. The parser is imported only if there is a file. Throws a `usageError`. */
export const loadConfig = async (commands: readonly CliCommand[]): Promise<Config> => {
  const dir = configDir();
  if (dir === undefined) return new Map();
  const file = join(dir, 'config.json');
  const text = readConfigFile(file);
  if (text === undefined) return new Map();
  const { parseConfig } = await import('./parseConfig.js');
  return parseConfig(text.replace(/^\uFEFF/, ''), file, commands);
};

const readConfigFile = (file: string): string | undefined => {
  try {
    return readTrustedFile(file);
  } catch (error) {
    throw error instanceof IdentityError ? usageError(error.message, error.hint) : error;
  }
};

/** Arguments of a command line, extended by the settings of a config file. */
interface MergedArgs {
  readonly args: Args;
  /** Settings taken from the file, by flag key. */
  readonly settings: ReadonlyMap<string, Setting>;
}

/**
 * Adds the settings of a config file to a command line. The command line takes precedence, then the
 * environment, then the file. Settings that do not apply to the chosen wire are ignored, so that a file can
 * serve both.
 */
export const mergeConfig = (
  command: CliCommand,
  args: Args,
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
): MergedArgs => {
  const candidates = new Map(
    [command.section, command.name].flatMap((name) => [...(config.get(name ?? '') ?? [])]),
  );
  const wire = args.flags['wire'] ?? candidates.get('wire')?.value;
  const isUnset = (key: string, flag: Flag): boolean =>
    !isGiven(args.flags, key) &&
    (flag.env === undefined || (env[flag.env] ?? '') === '') &&
    !(flag.orArgument === true && args.input.length > 0) &&
    (typeof command.load === 'function' || appliesTo(flag, wire === 'classic' ? wire : 'rxchat/1'));

  const settings = new Map(
    Object.entries(allFlags(command)).flatMap(([key, flag]) => {
      const setting = candidates.get(key);
      return setting !== undefined && isUnset(key, flag) ? [[key, setting] as const] : [];
    }),
  );
  const added = Object.fromEntries(Array.from(settings, ([key, { value }]) => [key, value]));
  return { args: { ...args, flags: { ...args.flags, ...added } }, settings };
};

/** Adds the location in the file to an error about one of its flags. */
export const withConfigLocation = (error: CliError, settings: MergedArgs['settings']): CliError => {
  const text = `${error.message} ${error.hint ?? ''}`;
  const [, setting] =
    Array.from(settings).find(([key]) => new RegExp(`${flagName(key)}(?![\\w-])`).test(text)) ?? [];
  return setting === undefined
    ? error
    : new CliError(error.exitCode, `${setting.location}: ${error.message}`, error.hint);
};
