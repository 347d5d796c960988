import { type AddressRange, formatRange, rangeMatcher } from './addressRange.js';

/** A ban of an address range or a room. */
export type Ban = {
  /** When it ends, in ms since 1970; it never ends without it. */
  readonly untilMs?: number | undefined;
} & ({ readonly range: AddressRange } | { readonly room: string });

/** Maximum number of bans of a relay. */
export const MAX_BANS = 10_000;

/** Returns what a ban concerns, as a person writes it: `192.0.2.0/24` or the name of a room. */
export const banTarget = (ban: Ban): string => ('room' in ban ? ban.room : formatRange(ban.range));

/** Returns the bans that have not ended at a time. */
export const currentBans = (bans: readonly Ban[], nowMs: number): readonly Ban[] =>
  bans.filter(({ untilMs = Infinity }) => untilMs > nowMs);

/** Returns the bans with one more, which replaces an earlier ban of the same target. */
export const withBan = (bans: readonly Ban[], ban: Ban): readonly Ban[] => [
  ...withoutBan(bans, banTarget(ban)),
  ban,
];

/** Returns the bans without that of a target. */
export const withoutBan = (bans: readonly Ban[], target: string): readonly Ban[] =>
  bans.filter((each) => banTarget(each) !== target);

/** Answers who is banned, at a time that comes in. */
export interface BanMatcher {
  readonly isPeerBanned: (peer: string, nowMs: number) => boolean;
  readonly isRoomBanned: (room: string, nowMs: number) => boolean;
}

/** Creates the matcher of bans. It forgets each ban when that ends. */
export const banMatcher = (bans: readonly Ban[]): BanMatcher => {
  let matchesPeer = rangeMatcher([]);
  let rooms: ReadonlySet<string> = new Set();
  let [fromMs, endMs] = [Infinity, -Infinity];

  const update = (nowMs: number): void => {
    // The clock can be set back, and a ban that had ended then holds again.
    if (nowMs >= fromMs && nowMs < endMs) return;
    const current = currentBans(bans, nowMs);
    fromMs = nowMs;
    endMs = Math.min(Infinity, ...current.flatMap(({ untilMs }) => untilMs ?? []));
    matchesPeer = rangeMatcher(current.flatMap((ban) => ('range' in ban ? [ban.range] : [])));
    rooms = new Set(current.flatMap((ban) => ('room' in ban ? [ban.room] : [])));
  };

  return {
    isPeerBanned: (peer, nowMs) => {
      update(nowMs);
      return matchesPeer(peer);
    },
    isRoomBanned: (room, nowMs) => {
      update(nowMs);
      return rooms.has(room);
    },
  };
};
