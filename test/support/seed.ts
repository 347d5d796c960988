/**
 * Returns the seed of generated input: `RXCHAT_SEED`, or else `fallback`. If that is `random`, chooses a seed and
 * prints it.
 *
 * A test with the same input in each run fails only after a change.
 */
export const chooseSeed = (fallback: number): number => {
  const text = process.env['RXCHAT_SEED'] ?? String(fallback);
  if (text !== 'random') return Number(text);
  const seed = Date.now() % 1_000_000;
  console.log(`to generate the same input again: RXCHAT_SEED=${seed}`);
  return seed;
};
