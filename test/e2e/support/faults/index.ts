import { offlineBeyondRetention, offlineBeyondWindow } from './offlineListener.js';
import { resetConnections } from './connectionResets.js';
import { disks } from './disks.js';
import { killSpoolingCommand, sendWithoutRelay } from './spooledLines.js';
import { killRelay, killSenders } from './kills.js';
import { linkFaults, type Scenario } from './linkFaults.js';
import { LOG_LOSSES, loseLog } from './lostLog.js';
import { fillDisk } from './diskFull.js';
import { sharedFaults } from './sharedFaults.js';

export { cleanUp } from '../cleanup.js';
export { type DeliveryReport, sumReports } from './deliveryReport.js';
export type { Scenario } from './linkFaults.js';

const KILLS = 50;
const SENDER_KILLS = 20;
const RESETS = 20;

/** All faults of this folder, for programs that count their effects. */
export const allFaults = async (): Promise<readonly Scenario[]> => [
  ...linkFaults,
  {
    fault: `the relay is killed at ${KILLS} random moments`,
    times: KILLS,
    run: (seed) => killRelay(KILLS, seed),
  },
  {
    fault: `${SENDER_KILLS} senders are killed with lines pending`,
    times: SENDER_KILLS,
    run: (seed) => killSenders(SENDER_KILLS, seed),
  },
  {
    fault: `connections are reset in the middle of a line, ${RESETS} times`,
    times: RESETS,
    run: (seed) => resetConnections(RESETS, seed),
  },
  ...(await disks()).map((disk) => ({
    fault: `writes fail for a while: ${disk.name}`,
    run: () => fillDisk(disk),
  })),
  { fault: 'no relay is running: send --spool, twice', run: sendWithoutRelay },
  { fault: 'send --spool is killed with lines pending', run: () => killSpoolingCommand(['send', '--spool']) },
  { fault: 'join is killed with lines pending', run: () => killSpoolingCommand(['join']) },
  ...LOG_LOSSES.map((loss) => ({
    fault: `the relay is killed and loses its history: ${loss}`,
    run: () => loseLog(loss),
  })),
  { fault: 'a listener misses 16 times the in-memory window', run: offlineBeyondWindow },
  { fault: 'a listener misses 10 times the retained history', run: offlineBeyondRetention },
  ...possibleSharedFaults(),
];

/** Those for which this machine has what they need. Reports the others. */
const possibleSharedFaults = (): readonly Scenario[] =>
  sharedFaults.filter(({ fault, missing }) => {
    const reason = missing();
    if (reason !== undefined) console.error(`SKIPPED: ${fault}: ${reason}`);
    return reason === undefined;
  });
