import { awayBeyondRetention, awayBeyondTheWindow } from './away.js';
import { cutOff } from './cuts.js';
import { disks } from './disks.js';
import { keeperKilled, noRelayAtAll } from './keptLines.js';
import { killed, sendersDie } from './kills.js';
import { linkFaults, type Scenario } from './linkFaults.js';
import { LOSSES, logLost } from './logLost.js';
import { diskFull } from './storage.js';

export { endAll } from '../endings.js';
export { type Account, total } from './account.js';
export type { Scenario } from './linkFaults.js';

const KILLS = 50;
const DEATHS = 20;
const CUTS = 20;

/** All that can go wrong here, for whoever counts what comes of it. */
export const allFaults = async (): Promise<readonly Scenario[]> => [
  ...linkFaults,
  {
    fault: `the relay is killed at ${KILLS} random moments`,
    times: KILLS,
    run: (seed) => killed(KILLS, seed),
  },
  {
    fault: `${DEATHS} senders die with lines pending`,
    times: DEATHS,
    run: (seed) => sendersDie(DEATHS, seed),
  },
  {
    fault: `connections are reset in the middle of a line, ${CUTS} times`,
    times: CUTS,
    run: (seed) => cutOff(CUTS, seed),
  },
  ...(await disks()).map((disk) => ({
    fault: `the disk takes nothing for a while: ${disk.name}`,
    run: () => diskFull(disk),
  })),
  { fault: 'there is no relay: send --spool, twice', run: noRelayAtAll },
  { fault: 'send --spool is killed with lines pending', run: () => keeperKilled(['send', '--spool']) },
  { fault: 'join is killed with lines pending', run: () => keeperKilled(['join']) },
  ...LOSSES.map((loss) => ({
    fault: `the relay is killed and loses its history: ${loss}`,
    run: () => logLost(loss),
  })),
  { fault: 'a listener misses 16 times what the relay keeps in memory', run: awayBeyondTheWindow },
  { fault: 'a listener misses 10 times what the relay keeps at all', run: awayBeyondRetention },
];
