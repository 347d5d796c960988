/** Compares two texts, such as encoded keys, in a time that depends only on their lengths, as far as JavaScript allows. */
export const constantTimeEqual = (one: string, other: string): boolean => {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
};

/** Compares bytes in a time that depends only on their lengths, as far as JavaScript allows. */
export const constantTimeEqualBytes = (one: Uint8Array, other: Uint8Array): boolean => {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at += 1) difference |= (one[at] ?? 0) ^ (other[at] ?? 0);
  return difference === 0;
};
