import type { ProtocolError } from '../../wire/errors.js';
import type { Member } from './parseCommands.js';

/** A connection of a relay at one moment. */
export interface ConnectionInfo {
  /** Address of the other end. */
  readonly peer: string;
  /** When it was opened, in ms by the clock of the scheduler. */
  readonly openedAt: number;
  /** Bytes that were received over it. */
  readonly receivedBytes: number;
  /** Nick and room of its client, once that has joined. */
  readonly member: Pick<Member, 'nick' | 'room'> | undefined;
}

/**
 * Inspects a connection, and returns the error that ends it, or `undefined` to keep it. Must not throw.
 *
 * The client gets the error as `ERR`, after everything that is due before.
 */
export type InspectConnection = (connection: ConnectionInfo) => ProtocolError | undefined;
