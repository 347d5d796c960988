import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where a program keeps what it must not lose, by the custom of the platform (XDG Base Directory, on most). */
export const stateDir = (): string => {
  const { env, platform } = process;
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? homedir(), 'rxchat');
  const xdg = env['XDG_STATE_HOME'];
  // The specification wants relative paths to be ignored.
  if (xdg?.startsWith('/') === true) return join(xdg, 'rxchat');
  return platform === 'darwin'
    ? join(homedir(), 'Library', 'Application Support', 'rxchat')
    : join(homedir(), '.local', 'state', 'rxchat');
};
