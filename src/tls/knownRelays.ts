import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Address, formatAddress } from '../address.js';
import { errorCode } from '../transport/networkError.js';
import { isPin } from '../invite/pin.js';
import type { KnownRelays } from './trust.js';

/**
 * The relays that were met before, in a file of a directory: `HOST:PORT PIN` a line, for an address the last one holds.
 * Lines are only ever added, each with one write, so that several processes can. Throws errors of the system.
 */
export const knownRelays = (dir: string): KnownRelays => {
  const path = join(dir, 'known-relays');
  return {
    pinOf: (address) =>
      readLines(path)
        .map((line) => line.split(' '))
        .findLast(([where, pin = '']) => where === nameOf(address) && isPin(pin))?.[1],
    remember: (address, pin) => {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      appendFileSync(path, `${nameOf(address)} ${pin}\n`, { mode: 0o600 });
    },
  };
};

const nameOf = (address: Address): string => formatAddress(address).toLowerCase();

const readLines = (path: string): readonly string[] => {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
};
