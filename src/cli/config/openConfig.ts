import { join } from 'node:path';
import { IdentityError } from '../../identity/errors.js';
import { readUnwritable } from '../../identity/ownership.js';
import { COMMANDS } from '../commandTable.js';
import { usageError } from '../exit.js';
import { configDir } from '../stateDir.js';
import type { Config } from './config.js';

/** The config file; whoever has none pays nothing for it. Throws a `usageError`. */
export const openConfig = async (): Promise<Config> => {
  const dir = configDir();
  if (dir === undefined) return new Map();
  const file = join(dir, 'config.json');
  const text = readConfig(file);
  if (text === undefined) return new Map();
  const { parseConfig } = await import('./parseConfig.js');
  return parseConfig(text.replace(/^\uFEFF/, ''), file, COMMANDS);
};

const readConfig = (file: string): string | undefined => {
  try {
    return readUnwritable(file);
  } catch (error) {
    throw error instanceof IdentityError ? usageError(error.message, error.hint) : error;
  }
};
