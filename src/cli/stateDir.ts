import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { CliError, Exit } from './exit.js';

/** Where a program keeps what it must not lose, by the custom of the platform (XDG Base Directory, on most). */
export const stateDir = (): string =>
  needHome(placeOf('state', 'XDG_STATE_HOME', join('.local', 'state')), Exit.usage);

/** Where it keeps what is the person's own: the identity, and whom they know. */
export const dataDir = (): string =>
  needHome(placeOf('data', 'XDG_DATA_HOME', join('.local', 'share')), Exit.keys);

/** Where people write down what they want of it; `undefined` if there is no home, and so nothing written down. */
export const configDir = (): string | undefined => placeOf('.', 'XDG_CONFIG_HOME', '.config');

const needHome = (dir: string | undefined, exitCode: number): string => {
  if (dir !== undefined) return dir;
  const { HOME } = process.env;
  throw new CliError(
    exitCode,
    `there is no home directory to keep anything in${HOME === undefined ? '' : ` (HOME is ${JSON.stringify(HOME)})`}`,
    'set RXCHAT_HOME to a directory that is yours',
  );
};

/** Everything under one directory, for who wants two of it on a machine, or all of it on a stick; else that of the platform. */
const placeOf = (own: string, variable: string, otherwise: string): string | undefined => {
  const { env, platform } = process;
  const home = env['RXCHAT_HOME'];
  if (home !== undefined && home !== '') return resolve(home, own);
  if (platform === 'win32') return below(env['LOCALAPPDATA'] ?? realHome(), 'rxchat');
  const dir = env[variable];
  // The specification wants relative paths to be ignored.
  if (dir?.startsWith('/') === true) return join(dir, 'rxchat');
  return platform === 'darwin'
    ? below(realHome(), 'Library', 'Application Support', 'rxchat')
    : below(realHome(), otherwise, 'rxchat');
};

const below = (dir: string | undefined, ...names: readonly string[]): string | undefined =>
  dir === undefined ? undefined : join(dir, ...names);

/** What is empty, relative or not there is no home: a key must not go into whatever directory is the current one. */
const realHome = (): string | undefined => {
  try {
    const dir = homedir();
    return isAbsolute(dir) && statSync(dir).isDirectory() ? dir : undefined;
  } catch {
    return undefined;
  }
};
