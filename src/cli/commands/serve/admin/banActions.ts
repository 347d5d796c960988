import type { Bans, ConnectionInfo } from '../../../../../streams/relay/index.js';
import { rangeMatcher } from '../../../../admin/addressRange.js';
import { type BanRow, formatBan, loadBans, parseBanTarget, saveBans } from '../../../../admin/banFile.js';
import {
  type Ban,
  type BanMatcher,
  banMatcher,
  banTarget,
  currentBans,
  MAX_BANS,
  withBan,
  withoutBan,
} from '../../../../admin/bans.js';

/** The bans of a relay, which are stored in its directory. */
export interface StoredBans extends Bans {
  /** The bans that hold. */
  readonly list: () => readonly Ban[];
  /** Adds and stores a ban, or changes when it ends. Throws an `Error` for people. */
  readonly add: (target: string, forMs: number | undefined) => Ban;
  /** Removes a ban from the store. Throws an `Error` for people. */
  readonly remove: (target: string) => BanRow;
  /** Reads the stored bans again. Throws `BanFileError`, and keeps the bans. */
  readonly reload: () => void;
}

/** Loads the bans in a directory. Throws `BanFileError`. */
export const openBans = (dir: string, now: () => number): StoredBans => {
  let bans: readonly Ban[] = [];
  let matcher: BanMatcher = banMatcher(bans);
  const use = (next: readonly Ban[]) => {
    bans = next;
    matcher = banMatcher(next);
  };
  const store = (next: readonly Ban[]) => {
    saveBans(dir, next);
    use(next);
  };
  use(loadBans(dir));

  return {
    isPeerBanned: (peer) => matcher.isPeerBanned(peer, now()),
    isRoomBanned: (room) => matcher.isRoomBanned(room, now()),
    list: () => currentBans(bans, now()),
    add: (target, forMs) => {
      const ban: Ban = { ...parsedTarget(target), untilMs: forMs === undefined ? undefined : now() + forMs };
      const next = withBan(currentBans(bans, now()), ban);
      if (next.length > MAX_BANS) throw new Error(`there are ${MAX_BANS} bans already: remove some`);
      store(next);
      return ban;
    },
    remove: (target) => {
      const canonical = banTarget(parsedTarget(target));
      const current = currentBans(bans, now());
      const found = current.find((each) => banTarget(each) === canonical);
      if (found === undefined) throw new Error(`there is no ban of ${canonical}`);
      store(withoutBan(current, canonical));
      return formatBan(found);
    },
    reload: () => {
      use(loadBans(dir));
    },
  };
};

const parsedTarget = (target: string): Ban => {
  const ban = parseBanTarget(target);
  if (ban === undefined)
    throw new Error(
      'a ban needs an address such as 192.0.2.1, a network such as 192.0.2.0/24 or the public name of a room',
    );
  return ban;
};

/** Returns a function that tells whether a ban concerns a connection. */
export const banConcerns = (ban: Ban): ((connection: ConnectionInfo) => boolean) => {
  if ('room' in ban) return ({ member }) => member?.room === ban.room;
  const isInRange = rangeMatcher([ban.range]);
  return ({ peer }) => isInRange(peer);
};
