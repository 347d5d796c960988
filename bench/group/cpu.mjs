/** CPU time of this process, which other programs on the machine disturb less than the time of day. */
import { median } from '../measure/statistics.mjs';

/** Calls a function. Returns its result and its CPU time in ms, which is at least a µs. */
export const timeCpu = (call) => {
  const start = process.cpuUsage();
  const result = call();
  const { user, system } = process.cpuUsage(start);
  return { result, ms: Math.max(1, user + system) / 1000 };
};

/** Returns the median CPU time of several calls in ms. */
export const medianCpuMs = (rounds, call) => median(Array.from({ length: rounds }, () => timeCpu(call).ms));
