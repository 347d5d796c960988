import type { PastEpoch } from './groupEpoch.js';

/** A log that the room left for that of its next invite. What was read in it can be read again. */
export interface FormerLog {
  /** The id of the log at the relay. */
  readonly log: string;
  /** SECRET. The secret of the invite that led to it. */
  readonly inviteSecret: Uint8Array;
  /** The position of the commit that moved the room. */
  readonly end: number;
  /** The epochs whose messages can be read again, oldest first. */
  readonly pastEpochs: readonly PastEpoch[];
}

/** How many former logs a device remembers. */
export const MAX_FORMER_LOGS = 8;
