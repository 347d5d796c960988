import type { ChainFault } from './chain.js';

/** The reason for which members are closed if the engine has lost records. */
export const LOST_RECORDS = 'the engine has lost records of the room';

const FAULTS: Readonly<Record<ChainFault, string>> = {
  'newer-version': 'the room was written by a newer relay; update this one',
  'other-log': 'the room has another log',
  'wrong-position': 'the engine has lost or changed records of the room',
  'wrong-branch': 'the engine gave other records to other relays',
};

/** The engine has not answered for a long time. */
export const UNAVAILABLE = 'the storage engine does not answer';

const DIVERGED = 'the servers of the engine have different records of the room; compare its replicas';
/** Time in ms in which a second wrong branch is not a coincidence. */
const WRONG_BRANCH_MS = 3_600_000;
/** Time in ms until a room that was refused for it is opened again. */
const DIVERGED_PAUSE_MS = 300_000;

/** What a reader does after the fault `wrong-branch`. */
export interface WrongBranchDecision {
  readonly reason: string;
  /** Time in ms until it reads again, from the leader of the engine. */
  readonly pauseMs: number;
  readonly isRefused: boolean;
}

/** Decides what to do on a wrong branch, by the time in ms since the last one. */
export const afterWrongBranch = (sinceLastMs: number): WrongBranchDecision =>
  sinceLastMs < WRONG_BRANCH_MS
    ? { reason: DIVERGED, pauseMs: DIVERGED_PAUSE_MS, isRefused: true }
    : { reason: FAULTS['wrong-branch'], pauseMs: 0, isRefused: false };

/** Returns why a reader cannot continue. */
export const describeFault = (fault: ChainFault): string => FAULTS[fault];

/** Whether positions that members know can come to mean other entries after a fault. */
export const isLoss = (fault: ChainFault): boolean => fault === 'other-log' || fault === 'wrong-position';
