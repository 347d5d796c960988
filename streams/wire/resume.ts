import { fromBase64url } from './base64url.js';
import { ProtocolError } from './errors.js';
import { readNumber } from './fields.js';

/** Where a client wants to read from: the entries after `n` of the log `log` (`*`: of whatever log there is). */
export interface Resume {
  readonly log: string;
  readonly n: number;
  /** The hash of entry `n` as the client has read it (`entryHash`): 8 bytes in base64url. */
  readonly hash?: string | undefined;
  /** If entry `n` is an announcement, which another log may have at the same position: an earlier entry, the newest token. */
  readonly earlier?: { readonly n: number; readonly hash: string } | undefined;
}

/** All positions are below this number: it has 15 digits, and counting on from it stays exact. */
export const POSITION_LIMIT: number = 1e15 - 2 ** 20;

/** How many bytes of the SHA-256 of a line name an entry. */
export const ENTRY_HASH_BYTES = 8;

/** Whether a text can be the id of a log: 1 to 64 characters of base64url. */
export const isLogId = (text: string): boolean => /^[\w-]{1,64}$/.test(text);

const isEntryHash = (text: string): boolean => fromBase64url(text)?.length === ENTRY_HASH_BYTES;

/** Reads what `formatResume` writes; throws a `ProtocolError` if it is something else. */
export const readResume = (text: string): Resume => {
  const [log = '', number, hash, earlierNumber, earlierHash, ...rest] = text.split('/');
  if ((log !== '*' && !isLogId(log)) || rest.length > 0)
    throw new ProtocolError('bad-position', 'after is not <log>/<position>');
  const n = readNumber(number);
  if (n === undefined || n >= POSITION_LIMIT)
    throw new ProtocolError('bad-position', `after is not a whole number from 0 to ${POSITION_LIMIT - 1}`);
  if (hash === undefined) return { log, n };
  if (log === '*' || n === 0 || !isEntryHash(hash))
    throw new ProtocolError('bad-position', `the hash in after is not ${ENTRY_HASH_BYTES} bytes of an entry`);
  if (earlierNumber === undefined) return { log, n, hash };
  const earlier = readNumber(earlierNumber) ?? 0;
  if (earlier < 1 || earlier >= n || earlierHash === undefined || !isEntryHash(earlierHash))
    throw new ProtocolError('bad-position', 'after names no earlier entry by its position and its hash');
  return { log, n, hash, earlier: { n: earlier, hash: earlierHash } };
};

/** Writes `<log>/<n>`, `<log>/<n>/<hash>` or `<log>/<n>/<hash>/<n of the earlier entry>/<its hash>`. */
export const formatResume = ({ log, n, hash, earlier }: Resume): string =>
  [log, n, ...(hash === undefined ? [] : [hash, ...(earlier ? [earlier.n, earlier.hash] : [])])].join('/');

/** Moves a position in a log on to an entry that was read. */
export const resumeAt = (
  before: Resume,
  { n, hash, isAnnouncement }: { n: number; hash: string | undefined; isAnnouncement: boolean },
): Resume => {
  const { log } = before;
  if (before.n === n && before.hash === hash) return before;
  if (hash === undefined) return { log, n };
  if (!isAnnouncement || before.hash === undefined) return { log, n, hash };
  return { log, n, hash, earlier: before.earlier ?? { n: before.n, hash: before.hash } };
};
