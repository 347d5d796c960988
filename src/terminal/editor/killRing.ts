/** What was cut out lately, the newest last; what is cut in a row belongs together. */
export interface KillRing {
  readonly texts: readonly string[];
  /** The last key has cut something. */
  readonly cutting: boolean;
  /** What the last key has put back: where it stands, and which it is. */
  readonly yanked: { readonly from: number; readonly to: number; readonly which: number } | undefined;
}

const MOST = 30;

export const EMPTY_RING: KillRing = { texts: [], cutting: false, yanked: undefined };

/** With a text that was cut, from before the cursor or from behind it. */
export const cut = (ring: KillRing, text: string, from: 'before' | 'behind'): KillRing => {
  if (text === '') return { ...ring, cutting: ring.cutting };
  const last = ring.cutting ? (ring.texts.at(-1) ?? '') : '';
  const others = ring.cutting ? ring.texts.slice(0, -1) : ring.texts;
  return {
    texts: [...others, from === 'before' ? text + last : last + text].slice(-MOST),
    cutting: true,
    yanked: undefined,
  };
};
