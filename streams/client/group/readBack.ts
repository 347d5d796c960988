import type { Resume } from '../../wire/fields.js';
import type { Welcome } from '../../wire/handshake.js';
import type { GroupInfo } from './engine.js';
import type { GroupState } from './groupState.js';

/** How many of the newest entries an external sender reads first. */
export const FIRST_READ_ENTRIES = 256;

/**
 * How many times as many entries it reads if those have no group info. Members post one every 1024 entries, so two
 * attempts suffice unless no member was online: 256 + 1280 entries.
 */
export const READ_GROWTH = 5;

/** Up to this many entries in one attempt. After that, an external sender reads the whole log. */
export const MAX_READ_ENTRIES = 32_000;

/** Where a client begins to read. */
export interface ReadWindow {
  readonly after: Resume | undefined;
  readonly last: number | undefined;
}

/** How far back an external sender has read. */
export interface ReadBack {
  /** Where the present attempt begins to read. */
  readonly start: ReadWindow;
  /** Handles the first `welcome` of an attempt, and those after it. */
  readonly onWelcome: (welcome: Pick<Welcome, 'from' | 'first'>) => void;
  /** Whether what was read is enough, once the client has read to the end of the log. */
  readonly isEnough: <State, Info extends GroupInfo>(state: GroupState<State, Info>) => boolean;
  /** Begins an attempt that reads more entries. */
  readonly readMore: () => void;
}

/**
 * Decides how far back an external sender reads: the newest entries first, and more of them if they have no group info.
 *
 * A group info that contradicts the first one can be the right one, as anybody with the invite can make a group info. The
 * sender then reads further back, to one that was followed by the other. It also reads further back before it believes
 * that the invite was withdrawn. The whole log is always enough.
 */
export const createReadBack = (): ReadBack => {
  let entries = FIRST_READ_ENTRIES;
  let isWelcomed = false;
  let isWhole = false;

  return {
    get start() {
      return entries > MAX_READ_ENTRIES
        ? { after: { log: '*', n: 0 }, last: undefined }
        : { after: undefined, last: entries };
    },
    onWelcome: ({ from, first }) => {
      // A connection after a lost one continues the attempt.
      if (!isWelcomed) isWhole = from <= first;
      isWelcomed = true;
    },
    isEnough: (state) =>
      isWhole || state.phase !== 'newcomer' || (state.groupInfo !== undefined && !state.hasIgnoredGroupInfo),
    readMore: () => {
      entries *= READ_GROWTH;
      isWelcomed = false;
    },
  };
};
