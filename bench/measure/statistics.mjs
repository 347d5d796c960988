/** What many runs come to. Medians, since one disturbed run must not move them; the spread says how far to trust them. */

const sorted = (values) => values.toSorted((a, b) => a - b);

/** @param {readonly number[]} values */
export const median = (values) => {
  const all = sorted(values);
  const middle = all.length / 2;
  return all.length % 2 === 1 ? all[Math.floor(middle)] : (all[middle - 1] + all[middle]) / 2;
};

/** @param {readonly number[]} values */
export const summary = (values) => ({
  median: values.length === 0 ? NaN : median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

/**
 * How many times the one is the other: the ratio of the medians, with the least and the greatest ratio of two runs that
 * stood beside each other. Runs that one of them did not get through (`undefined`) stand beside none.
 *
 * @param {readonly (number | undefined)[]} of
 * @param {readonly (number | undefined)[]} to
 */
export const ratio = (of, to) => {
  const there = (value) => value !== undefined && Number.isFinite(value) && value > 0;
  const pairs = of.map((value, run) => [value, to[run]]).filter((pair) => pair.every(there));
  const beside = pairs.map(([a, b]) => a / b);
  return {
    median: median(of.filter(there)) / median(to.filter(there)),
    min: Math.min(...beside),
    max: Math.max(...beside),
  };
};
