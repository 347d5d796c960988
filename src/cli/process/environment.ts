import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { CliError, Exit } from './exit.js';

/**
 * Returns the directory for data that must survive, by platform custom.
 * On most platforms that custom is the XDG Base Directory specification.
 */
export const stateDir = (): string =>
  requireHome(resolveDir('state', 'XDG_STATE_HOME', join('.local', 'state')), Exit.usage);

/** Returns the directory for the identity and the known keys. */
export const dataDir = (): string =>
  requireHome(resolveDir('data', 'XDG_DATA_HOME', join('.local', 'share')), Exit.untrustedKey);

/** Returns the directory for configuration, or `undefined` if there is no home directory. */
export const configDir = (): string | undefined => resolveDir('.', 'XDG_CONFIG_HOME', '.config');

/** Returns the name of a room's file here: a hash, which hides the room. */
export const roomFileName = (room: string): string =>
  createHash('sha256').update(room).digest('base64url').slice(0, 22);

const requireHome = (dir: string | undefined, exitCode: number): string => {
  if (dir !== undefined) return dir;
  const { HOME } = process.env;
  throw new CliError(
    exitCode,
    `there is no home directory to store files in${HOME === undefined ? '' : ` (HOME is ${JSON.stringify(HOME)})`}`,
    'set RXCHAT_HOME to a directory that you own',
  );
};

/**
 * Returns a directory below `RXCHAT_HOME` if that is set, else the directory of the platform.
 * `RXCHAT_HOME` allows two setups on one machine, or all files on a removable drive.
 */
const resolveDir = (homeSubdir: string, variable: string, fallback: string): string | undefined => {
  const { env, platform } = process;
  const home = env['RXCHAT_HOME'];
  if (home !== undefined && home !== '') return resolve(home, homeSubdir);
  if (platform === 'win32') return joinIfDefined(env['LOCALAPPDATA'] ?? realHome(), 'rxchat');
  const dir = env[variable];
  // The XDG specification says to ignore relative paths.
  if (dir?.startsWith('/') === true) return join(dir, 'rxchat');
  return platform === 'darwin'
    ? joinIfDefined(realHome(), 'Library', 'Application Support', 'rxchat')
    : joinIfDefined(realHome(), fallback, 'rxchat');
};

const joinIfDefined = (dir: string | undefined, ...names: readonly string[]): string | undefined =>
  dir === undefined ? undefined : join(dir, ...names);

/**
 * Returns the home directory, or `undefined` if it is empty, relative or missing.
 * Otherwise a key could end up in whatever the current directory is.
 */
const realHome = (): string | undefined => {
  try {
    const dir = homedir();
    return isAbsolute(dir) && statSync(dir).isDirectory() ? dir : undefined;
  } catch {
    return undefined;
  }
};

/** Lists the variables that the commands read, for the help and the manual. */
export const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['RXCHAT_INVITE', 'the invite, if none is given'],
  ['RXCHAT_PASSPHRASE', 'the passphrase of a room that has one'],
  ['RXCHAT_ACCESS_TOKEN', 'the access token of a private relay'],
  ['RXCHAT_KEY', 'the key of --wire classic'],
  ['RXCHAT_HOME', 'one directory for all files, instead of the three of the platform'],
];

/** Lists the files that the commands keep, with the default paths on Linux. */
export const FILES: readonly (readonly [string, string])[] = [
  ['~/.config/rxchat/config.json', 'flags for every run'],
  ['~/.local/share/rxchat/', 'your identity, known keys and known relays; keep it private'],
  [
    '~/.local/state/rxchat/relay/',
    'the history of the rooms of serve, its audit log and the socket of admin',
  ],
  ['~/.local/state/rxchat/read/', 'read position of join in each room, without any message'],
  ['~/.local/state/rxchat/input/', 'input history of join, per room, encrypted with the key of the room'],
  ['~/.local/state/rxchat/outbox/', 'unstored messages of join and send --spool'],
];

/**
 * Returns the command to suggest to the user: `npx rxchat` or `rxchat`.
 * It is `npx rxchat` if npm started the command (`npx`, `npm start`). The help, the manual and the docs always say
 * `rxchat`.
 */
export const programName = (environment: NodeJS.ProcessEnv = process.env): 'rxchat' | 'npx rxchat' =>
  (environment['npm_command'] ?? '') === '' ? 'rxchat' : 'npx rxchat';
