import type { ChainFault } from './chain.js';

/** The reason for which members are closed if the engine has lost records. */
export const LOST_RECORDS = 'the engine has lost records of the room';

const FAULTS: Readonly<Record<ChainFault, string>> = {
  'newer-version': 'the room was written by a newer relay; update this one',
  'other-log': 'the room has another log',
  'wrong-position': 'the engine has lost or changed records of the room',
  'wrong-branch': 'the engine gave other records to other relays',
};

/** The reason for which a room is refused if its leader in the engine does not settle that. */
export const DIVERGED = 'the servers of the engine have different records of the room; compare its replicas';

/** Time in ms in which a second wrong branch is not a coincidence. */
export const WRONG_BRANCH_MS = 3_600_000;
/** Time in ms until a room that was refused for it is opened again. */
export const DIVERGED_PAUSE_MS = 300_000;

/** Returns why a reader cannot continue. */
export const describeFault = (fault: ChainFault): string => FAULTS[fault];

/** Whether positions that members know can come to mean other entries after a fault. */
export const isLoss = (fault: ChainFault): boolean => fault === 'other-log' || fault === 'wrong-position';
