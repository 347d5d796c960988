/** What stands behind the `#` of an invite: its first part, and named values, each once. */
export interface InviteFragment {
  readonly first: string;
  readonly values: ReadonlyMap<string, string>;
}

/** Why a fragment is none; never with any of its content. */
export type FragmentFault = 'unnamed' | 'twice' | 'unknown';

/**
 * Reads `FIRST,name=value,...`. Commas and equals signs need no quotes in a shell. Names that are not among those
 * known for the first part are refused rather than passed over: what a newer rxchat wrote there may be what makes the
 * invite safe.
 */
export const readFragment = (
  text: string,
  knownFor: (first: string) => readonly string[],
): InviteFragment | FragmentFault => {
  const [first = '', ...rest] = text.split(',');
  const known = knownFor(first);
  const values = new Map<string, string>();
  for (const part of rest) {
    const [, name, value] = /^([a-z]+)=(.+)$/s.exec(part) ?? [];
    if (name === undefined || value === undefined) return 'unnamed';
    if (!known.includes(name)) return 'unknown';
    if (values.has(name)) return 'twice';
    values.set(name, value);
  }
  return { first, values };
};

/** The text of a fragment; values that are `undefined` are left out. */
export const writeFragment = (first: string, values: Readonly<Record<string, string | undefined>>): string =>
  [
    first,
    ...Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`)),
  ].join(',');
