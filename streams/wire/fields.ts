import { fromBase64url, toBase64url } from './encoding.js';
import { ProtocolError } from './errors.js';

/** Parses `key=value` words. Unknown keys are accepted for newer peers; the first of two equal keys counts. */
export const parseFields = (words: readonly string[]): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('=');
    const key = word.slice(0, at);
    if (at > 0 && !fields.has(key)) fields.set(key, word.slice(at + 1));
  }
  return fields;
};

/** Formats `key=value` words and omits undefined values. */
export const formatFields = (fields: Readonly<Record<string, string | number | undefined>>): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(' ');

/** Parses a whole number from 0 of at most 15 digits, or returns `undefined` if it is invalid. */
export const parseNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : undefined;

/** A read position: resume after entry `n` of the log `log`, or of any log if `log` is `*`. */
export interface Resume {
  readonly log: string;
  readonly n: number;
  /** Hash of entry `n` as the client read it (`entryHash`): 8 bytes in base64url. */
  readonly hash?: string | undefined;
  /** The newest token before entry `n`, if that is an announcement: another log can have the same announcement there. */
  readonly earlier?: { readonly n: number; readonly hash: string } | undefined;
}

/** Upper bound of all positions: 15 digits, so that counting from it stays exact. */
export const POSITION_LIMIT: number = 1e15 - 2 ** 20;

/** Number of bytes of the SHA-256 of a line in an entry hash. */
export const ENTRY_HASH_BYTES = 8;

/** SHA-256: returns 32 bytes for any number of bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Formats the hash of an entry: the first 8 bytes of the SHA-256 of its line, in base64url. */
export const entryHash = (digest: Uint8Array): string => toBase64url(digest.subarray(0, ENTRY_HASH_BYTES));

/** Returns whether a text is a valid log id: 1 to 64 characters of base64url. */
export const isLogId = (text: string): boolean => /^[\w-]{1,64}$/.test(text);

const isEntryHash = (text: string): boolean => fromBase64url(text)?.length === ENTRY_HASH_BYTES;

/** Parses what `formatResume` returns; throws a `ProtocolError` if the text is invalid. */
export const parseResume = (text: string): Resume => {
  const [log = '', number, hash, earlierNumber, earlierHash, ...rest] = text.split('/');
  if ((log !== '*' && !isLogId(log)) || rest.length > 0)
    throw new ProtocolError('bad-position', 'after= must be LOG/POSITION');
  const n = parseNumber(number);
  if (n === undefined || n >= POSITION_LIMIT)
    throw new ProtocolError('bad-position', `after is not a whole number from 0 to ${POSITION_LIMIT - 1}`);
  if (hash === undefined) return { log, n };
  if (log === '*' || n === 0 || !isEntryHash(hash))
    throw new ProtocolError('bad-position', `the hash in after is not ${ENTRY_HASH_BYTES} bytes of an entry`);
  if (earlierNumber === undefined) return { log, n, hash };
  const earlier = parseNumber(earlierNumber) ?? 0;
  if (earlier < 1 || earlier >= n || earlierHash === undefined || !isEntryHash(earlierHash))
    throw new ProtocolError('bad-position', 'after= must name an earlier entry by its position and hash');
  return { log, n, hash, earlier: { n: earlier, hash: earlierHash } };
};

/** Formats `<log>/<n>`, `<log>/<n>/<hash>` or `<log>/<n>/<hash>/<n of the earlier entry>/<its hash>`. */
export const formatResume = ({ log, n, hash, earlier }: Resume): string =>
  [log, n, ...(hash === undefined ? [] : [hash, ...(earlier ? [earlier.n, earlier.hash] : [])])].join('/');

/** Returns the read position after an entry. */
export const advanceResume = (
  before: Resume,
  { n, hash, isAnnouncement }: { n: number; hash: string | undefined; isAnnouncement: boolean },
): Resume => {
  const { log } = before;
  if (before.n === n && before.hash === hash) return before;
  if (hash === undefined) return { log, n };
  if (!isAnnouncement || before.hash === undefined) return { log, n, hash };
  return { log, n, hash, earlier: before.earlier ?? { n: before.n, hash: before.hash } };
};

/** A log that another one continues: both have the same entries up to position `n`, and other ones after it. */
export interface Ancestor {
  readonly log: string;
  readonly n: number;
}

/** How many ancestors of a log are announced and known. */
export const MAX_ANCESTORS = 8;

/** Formats `<log>/<n>,<log>/<n>`, or returns `undefined` if there are no ancestors. */
export const formatAncestors = (ancestors: readonly Ancestor[] = []): string | undefined =>
  ancestors.length === 0 ? undefined : ancestors.map(({ log, n }) => `${log}/${n}`).join(',');

/** Parses the ancestors of a log, newest first; throws a `ProtocolError` if one is invalid. */
export const parseAncestors = (text: string | undefined): readonly Ancestor[] => {
  if (text === undefined || text === '') return [];
  let shared = POSITION_LIMIT;
  return text
    .split(',')
    .slice(0, MAX_ANCESTORS)
    .map((each) => {
      const [log = '', number, ...rest] = each.split('/');
      const n = parseNumber(number);
      if (!isLogId(log) || n === undefined || rest.length > 0)
        throw new ProtocolError('bad-line', 'WELCOME has an invalid list of ancestors');
      // What an ancestor shares with its successor ends at the latest where the successor ends.
      shared = Math.min(shared, n);
      return { log, n: shared };
    });
};

/**
 * Returns the last position up to which a log has the entries of the log `id`: `Infinity` if it is this log, and
 * `undefined` if it does not continue that log.
 */
export const sharedPosition = (
  { log, ancestors = [] }: { readonly log: string; readonly ancestors?: readonly Ancestor[] | undefined },
  id: string | undefined,
): number | undefined => (id === log ? Infinity : ancestors.find((each) => each.log === id)?.n);
