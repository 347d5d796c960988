import { closestMatch } from 'leven';

/** Asks for what may have been meant; `undefined` where nothing is near enough. */
export const suggestion = (word: string, candidates: readonly string[]): string | undefined => {
  // A short word is near to too many others.
  const maxDistance = Math.min(3, Math.ceil(word.length / 3));
  const closest = closestMatch(word, candidates, { maxDistance });
  return closest === undefined ? undefined : `did you mean ${closest}?`;
};
