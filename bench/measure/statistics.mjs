/** Summarises runs as medians, which one disturbed run does not move. The spread says how reliable they are. */

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
 * Returns the ratio of the medians, with the lowest and the highest ratio of two adjacent runs. Runs without a value
 * (`undefined`) are in no pair.
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
