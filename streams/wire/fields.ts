/** Reads `key=value` words. Unknown keys are for newer peers and pass; the first of two equal keys counts. */
export const readFields = (words: readonly string[]): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('=');
    const key = word.slice(0, at);
    if (at > 0 && !fields.has(key)) fields.set(key, word.slice(at + 1));
  }
  return fields;
};

/** Writes `key=value` words, leaving out what is undefined. */
export const writeFields = (fields: Readonly<Record<string, string | number | undefined>>): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(' ');

/** A whole number from 0 as the wire writes it, or `undefined`. */
export const readNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : undefined;
