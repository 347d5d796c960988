import { cpus } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';

const LOOK = 250;
const QUIET = 0.1;

const idleOf = () => cpus().map(({ times }) => [times.idle, Object.values(times).reduce((a, b) => a + b)]);

/** Waits until other work takes less than a tenth of each core, at most `seconds`. Resolves with whether it does. */
export const untilQuiet = async (seconds) => {
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) {
    const before = idleOf();
    await wait(LOOK);
    const busy = idleOf().map(([idle, all], core) => 1 - (idle - before[core][0]) / (all - before[core][1]));
    if (Math.max(...busy) < QUIET) return true;
  }
  return false;
};
