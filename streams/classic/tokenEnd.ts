import type { HeldBytes } from './heldBytes.js';
import { paddingOf, SHORTEST_TOKEN } from './tokenShape.js';

/** Whether a token is genuine. */
export type Proof = (token: Uint8Array) => boolean;

/** How much of what is read for a token may be the beginning of a text that follows it: of a nick, that is. */
const LONGEST_TAIL = 256;

export const PADDING = 61;

/** Whether the bytes from one place to another are a token; without a key their shape has to do. */
export const isWhole = ({ bytes }: HeldBytes, from: number, to: number, proves: Proof | undefined): boolean =>
  proves?.(bytes.subarray(from, to)) ?? true;

/**
 * Where a token ends that begins at `from`, in a run of characters that ends at `end`; `undefined` where none does, 'later'
 * where that cannot be told before its padding has come.
 */
export const tokenEnd = (
  held: HeldBytes,
  from: number,
  end: number,
  proves: Proof | undefined,
): number | 'later' | undefined => {
  const padding = paddingOf(end - from);
  if (padding !== undefined) {
    let to = end;
    while (to < end + padding && to < held.size && held.bytes[to] === PADDING) to += 1;
    if (to < end + padding && to === held.size) return 'later';
    if (to === end + padding && isWhole(held, from, to, proves)) return to;
  }
  // Without a key one could not tell a token and a nick from a longer token that is broken.
  if (proves === undefined) return undefined;
  for (let to = end - 1; to >= Math.max(from + SHORTEST_TOKEN, end - LONGEST_TAIL); to -= 1)
    if (paddingOf(to - from) === 0 && isWhole(held, from, to, proves)) return to;
  return undefined;
};
