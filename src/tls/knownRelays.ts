import { join } from 'node:path';
import { type Address, formatAddress } from '../address.js';
import { IdentityError } from '../identity/errors.js';
import { appendOwnFile } from '../identity/ownFile.js';
import { readUnwritable } from '../identity/ownership.js';
import { isPin } from '../invite/pin.js';
import type { KnownRelays } from './trust.js';

/**
 * The relays that were met before, in a file of a directory: `HOST:PORT PIN` a line, for an address the last one holds.
 * Lines are only ever added, each with one write, so that several processes can. What cannot be written is known until
 * the process ends, and `failed` is told. Throws `IdentityError` if it cannot be read, or others can change it.
 */
export const knownRelays = (dir: string, failed: (error: IdentityError) => void): KnownRelays => {
  const path = join(dir, 'known-relays');
  const met = new Map<string, string>();
  return {
    pinOf: (address) =>
      met.get(nameOf(address)) ??
      (readUnwritable(path) ?? '')
        .split('\n')
        .map((line) => line.trim().split(' '))
        .findLast(([where, pin = '']) => where === nameOf(address) && isPin(pin))?.[1],
    remember: (address, pin) => {
      try {
        // A full disk may have taken half of the last line.
        const isCut = !(readUnwritable(path) ?? '\n').endsWith('\n');
        appendOwnFile(path, `${isCut ? '\n' : ''}${nameOf(address)} ${pin}\n`);
      } catch (error) {
        if (!(error instanceof IdentityError)) throw error;
        met.set(nameOf(address), pin);
        failed(error);
      }
    },
  };
};

const nameOf = (address: Address): string => formatAddress(address).toLowerCase();
