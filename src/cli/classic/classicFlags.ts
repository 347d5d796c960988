import { type Observable, switchMap, timer } from 'rxjs';
import { endOfTick$ } from '../../relay/endOfTick.js';
import { type Address, isLoopback } from '../../util/address.js';
import { addressFromFlags } from '../shared/addressFlags.js';
import { printNote, usageError } from '../process/exit.js';
import { durationFlag, type Flags } from '../args/flags.js';

/** Returns the address of `--host` and `--port`. Another host than this one requires `--accept-unprotected`. */
export const unprotectedAddressFromFlags = (flags: Flags, lowestPort = 1): Address => {
  const address = addressFromFlags(flags, lowestPort);
  if (!isLoopback(address.host) && flags['acceptUnprotected'] !== true)
    throw usageError(
      `--wire classic has no protection on the way to and from ${address.host} except its one key`,
      'drop --wire, or accept the risk with --accept-unprotected',
    );
  return address;
};

/** Prints what this wire does not protect. */
export const warnUnprotected = (): void => {
  printNote('the classic wire has no room proof, no signatures and no resume (docs/classic-wire.md):');
  printNote('anyone with the key can use any nick; dropped, repeated or reordered messages are not detected');
};

const MAX_SPAN_MS = 60_000;

/** The pause that ends a frame at the server, in ms. */
export const SERVER_IDLE_MS = 100;

/** The pause that ends a frame at a client, in ms. It is shorter because a client has the key and checks the frame. */
export const CLIENT_IDLE_MS = 20;

/** The pause between two messages to the same peer, in ms. */
const PACING_MS = 10;

/** The pauses of the classic wire, which has no framing. */
interface Timing {
  readonly idle$: Observable<unknown>;
  readonly pacing$: Observable<unknown>;
}

/** Returns the pauses of `--silence` and `--gap`. */
export const timingFromFlags = (flags: Flags, idleMs: number): Timing => ({
  // After a tick, so that bytes that are in the socket already are read first.
  idle$: timer(durationFlag(flags, 'silence', 1, MAX_SPAN_MS) ?? idleMs).pipe(switchMap(() => endOfTick$)),
  pacing$: timer(durationFlag(flags, 'gap', 0, MAX_SPAN_MS) ?? PACING_MS),
});
