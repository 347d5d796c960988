/** The exact delay in ms of the timers that fire at the signal. */
const HOUR_MS = 3_600_000;

const SCRIPT = `
const due = new Map();
for (const kind of ['Timeout', 'Interval']) {
  const start = globalThis['set' + kind];
  const clear = globalThis['clear' + kind];
  globalThis['set' + kind] = (run, ms, ...args) => {
    const timer = start(run, ms, ...args);
    if (ms === ${HOUR_MS}) due.set(timer, () => run(...args));
    return timer;
  };
  globalThis['clear' + kind] = (timer) => {
    due.delete(timer);
    clear(timer);
  };
}
process.on('SIGUSR2', () => {
  for (const fire of [...due.values()]) fire();
});`;

/**
 * The environment of a command whose timers of an hour fire at `SIGUSR2`. So a test of `--timeout 1h` waits for what
 * has to happen before, and depends on no speed.
 */
export const HOUR_TIMERS: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(SCRIPT)}`,
};
