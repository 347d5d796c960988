import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where a program keeps what it must not lose, by the custom of the platform (XDG Base Directory, on most). */
export const stateDir = (): string => ownDir('state') ?? xdg('XDG_STATE_HOME', join('.local', 'state'));

/** Where it keeps what is the person's own: the identity, and whom they know. */
export const dataDir = (): string => ownDir('data') ?? xdg('XDG_DATA_HOME', join('.local', 'share'));

/** Where people write down what they want of it. */
export const configDir = (): string => ownDir('.') ?? xdg('XDG_CONFIG_HOME', '.config');

/** Everything under one directory, for who wants two of it on a machine, or all of it on a stick. */
const ownDir = (name: string): string | undefined => {
  const home = process.env['RXCHAT_HOME'];
  return home === undefined || home === '' ? undefined : resolve(home, name);
};

const xdg = (name: string, otherwise: string): string => {
  const { env, platform } = process;
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? homedir(), 'rxchat');
  const dir = env[name];
  // The specification wants relative paths to be ignored.
  if (dir?.startsWith('/') === true) return join(dir, 'rxchat');
  return platform === 'darwin'
    ? join(homedir(), 'Library', 'Application Support', 'rxchat')
    : join(homedir(), otherwise, 'rxchat');
};
