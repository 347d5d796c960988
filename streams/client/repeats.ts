/** What tells envelopes apart that were read before from those that were not. */
export interface Repeats {
  /**
   * Whether something of this name came before: the `same`, or `other` under the same name. From now on it
   * did.
   */
  readonly recall: (name: string, content: string) => 'new' | 'same' | 'other';
}

/**
 * Remembers the newest envelopes, `keep` of them, so that one that was sent again is shown once.
 *
 * Who lost a connection cannot know whether its last tokens were stored, nor whether the log that held them still
 * exists, and sends them again. An envelope's name is its key, session and counter; its content is its signature, which
 * stays the same where a member seals it anew.
 *
 * ```text
 * name       A     B     A      A
 * content    x     x     x      y
 *              recall
 *            new   new   same   other
 * ```
 *
 * @example
 * import { repeats } from 'rxchat/streams';
 *
 * const { recall } = repeats({ keep: 1000 });
 * console.log(recall('alice 1', 'x'), recall('alice 1', 'x')); // new same
 */
export const repeats = ({ keep = 8192 }: { keep?: number } = {}): Repeats => {
  const contents = new Map<string, readonly string[]>();
  // A ring besides the map, oldest first: a map that is emptied from its front takes ever longer to find its front.
  const order: (readonly [name: string, content: string])[] = [];
  let oldest = 0;

  const forget = ([name, content]: readonly [string, string]) => {
    const left = contents.get(name)?.filter((each) => each !== content) ?? [];
    if (left.length === 0) contents.delete(name);
    else contents.set(name, left);
  };

  return {
    recall: (name, content) => {
      const known = contents.get(name) ?? [];
      if (known.includes(content)) return 'same';
      const forgotten = order[oldest];
      if (forgotten !== undefined) forget(forgotten);
      order[oldest] = [name, content];
      oldest = (oldest + 1) % keep;
      contents.set(name, [...(contents.get(name) ?? []), content]);
      return known.length > 0 ? 'other' : 'new';
    },
  };
};
