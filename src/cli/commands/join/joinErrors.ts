import { ConnectionError } from '../../../../streams/index.js';
import type { Invite } from '../../../invite/invite.js';
import { isLoopback } from '../../../util/address.js';
import { programName } from '../../process/environment.js';
import { CliError, Exit } from '../../process/exit.js';

/**
 * Converts a network error to partial success, as `send` does.
 * The relay has admitted the member, so lines without a receipt may have arrived.
 */
export const asPartlyStored = (error: unknown): unknown =>
  error instanceof CliError && error.exitCode === Exit.network
    ? new CliError(Exit.partial, error.message, error.hint)
    : error;

/** Explains that a room on this machine needs a running relay. */
export const explainMissingRelay = (error: unknown, { host, port, otherRelays }: Invite): unknown =>
  error instanceof ConnectionError && isLoopback(host) && otherRelays === undefined
    ? new CliError(Exit.network, `no relay at ${host}:${port}; start one with: ${programName()} serve`)
    : error;
