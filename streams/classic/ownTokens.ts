/** What one has sent oneself, as far as it may come back. */
export interface OwnTokens {
  readonly add: (token: string) => void;
  /** Whether a token is our own and has not come back yet; from then on it has. */
  readonly recognise: (token: string) => boolean;
}

/** A server that sends them back does so at once; those that are older than so many others never come. */
const REMEMBERED = 4096;

/** The end of a token holds most of its HMAC: enough to know it by. */
const END = 40;

/** Remembers the newest 4096 of the tokens that were sent, by their ends. */
export const ownTokens = (): OwnTokens => {
  const ends = new Set<string>();
  return {
    add: (token) => {
      ends.add(token.slice(-END));
      const [oldest] = ends;
      if (ends.size > REMEMBERED && oldest !== undefined) ends.delete(oldest);
    },
    recognise: (token) => ends.delete(token.slice(-END)),
  };
};
