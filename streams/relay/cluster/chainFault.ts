import type { ChainFault } from './chain.js';

/** The reason for which members are closed if the engine has lost records. */
export const LOST_RECORDS = 'the engine has lost records of the room';

const FAULTS: Readonly<Record<ChainFault, string>> = {
  'newer-version': 'the room was written by a newer relay; update this one',
  'other-log': 'the room has another log',
  'wrong-position': 'the engine has lost or changed records of the room',
  'wrong-branch': 'the engine gave other records to other relays',
};

/** Returns why a reader cannot continue. */
export const describeFault = (fault: ChainFault): string => FAULTS[fault];

/** Whether positions that members know can come to mean other entries after a fault. */
export const isLoss = (fault: ChainFault): boolean => fault === 'other-log' || fault === 'wrong-position';
