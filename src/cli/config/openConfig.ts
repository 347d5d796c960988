import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../transport/networkError.js';
import { systemFault } from '../../systemFault.js';
import { COMMANDS } from '../commandTable.js';
import { usageError } from '../exit.js';
import { configDir } from '../stateDir.js';
import type { Config } from './config.js';

/** The config file; whoever has none pays nothing for it. Throws a `usageError`. */
export const openConfig = async (): Promise<Config> => {
  const file = join(configDir(), 'config.json');
  const text = readConfig(file);
  if (text === undefined) return new Map();
  const { parseConfig } = await import('./parseConfig.js');
  return parseConfig(text.replace(/^\uFEFF/, ''), file, COMMANDS);
};

const readConfig = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw usageError(`cannot read ${file}: ${systemFault(error)}`);
  }
};
