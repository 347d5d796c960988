import { type Address, isLoopback } from '../address.js';
import { readAddress } from '../cli/address.js';
import { note, usageError } from '../cli/exit.js';
import type { Flags } from '../cli/flags.js';

/** `--host` and `--port`; beyond this machine not without `--accept-unprotected`. */
export const readExposedAddress = (flags: Flags, lowestPort = 1): Address => {
  const address = readAddress(flags, lowestPort);
  if (!isLoopback(address.host) && flags['acceptUnprotected'] !== true)
    throw usageError(
      `--wire classic has no protection on the way to or from ${address.host} but its one key`,
      'leave --wire away, or say that you know with --accept-unprotected',
    );
  return address;
};

/** Says what this wire lacks. */
export const tellExposure = (): void => {
  note('the classic wire has no room proof, no signatures and no resume (docs/classic-wire.md):');
  note(
    'who has the key speaks under any nick, and what the server drops, repeats or reorders goes unnoticed',
  );
};
