/** What tells tokens apart that were seen from those that were not. */
export interface Repeats {
  /** Whether exactly this token was asked about before; from now on it was. */
  readonly isRepeat: (token: string) => boolean;
}

/** An HMAC, without its padding: how much of a token's end is kept. */
const KEPT_CHARACTERS = 43;

/**
 * Remembers the newest tokens, `keep` of them, so that one that was sent again is shown once.
 *
 * Who lost a connection cannot know whether its last tokens were stored, nor whether the log that held them still
 * exists, and sends them again: byte for byte the same, where a new token would have another IV and another time.
 *
 * By the token, and not by session and counter: whoever has the room's key can write anybody's session and counter, and
 * so could make the messages of others vanish. An equal token has an equal content. Of each only the end is kept, the
 * HMAC of all before it; so ask about tokens that opened and no others, for in one that did not the end proves nothing.
 *
 * ```text
 * token      T1     T2     T1    T3
 *              isRepeat
 * repeat     false  false  true  false
 * ```
 *
 * @example
 * import { repeats } from 'rxchat/streams';
 *
 * const { isRepeat } = repeats({ keep: 1000 });
 * const once = (tokens: string[]) => tokens.filter((token) => !isRepeat(token));
 */
export const repeats = ({ keep = 8192 }: { keep?: number } = {}): Repeats => {
  const seen = new Set<string>();
  // A ring besides the set, oldest first: a set that is emptied from its front takes ever longer to find its front.
  const order: string[] = [];
  let oldest = 0;

  return {
    isRepeat: (token) => {
      // Put together, not only cut off: a slice alone would hold on to all of its token, up to 64 KiB.
      const mac = ` ${token.slice(-KEPT_CHARACTERS)}`.slice(1);
      if (seen.has(mac)) return true;
      const forgotten = order[oldest];
      if (forgotten !== undefined) seen.delete(forgotten);
      order[oldest] = mac;
      oldest = (oldest + 1) % keep;
      seen.add(mac);
      return false;
    },
  };
};
