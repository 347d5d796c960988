/*
 * Helpers of the formats in this folder.
 */

/** Parses JSON, or returns `undefined` if it is no object. */
export const parseObject = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** Returns bytes one after the other. */
export const concatBytes = (parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
};

/** Parses an array with `parse`, or returns `undefined` if any of its items is invalid. */
export const parseAll = <T>(
  value: unknown,
  parse: (item: readonly unknown[]) => T | undefined,
): readonly T[] | undefined => {
  if (!Array.isArray(value)) return undefined;
  const parsed: T[] = [];
  for (const item of value as readonly unknown[]) {
    const each = Array.isArray(item) ? parse(item as readonly unknown[]) : undefined;
    if (each === undefined) return undefined;
    parsed.push(each);
  }
  return parsed;
};
