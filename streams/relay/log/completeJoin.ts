import type { Sha256 } from '../../wire/fields.js';
import type { Welcome } from '../../wire/handshake.js';
import type { MemberEvent } from '../members/members.js';
import type { Cursor, RoomLog } from './roomLog.js';
import { startPosition } from './startPosition.js';

/** A member that joined, with its `WELCOME` and its cursor. */
export type JoinedMember = Extract<MemberEvent, { type: 'joined' }> & {
  readonly welcome: Welcome;
  readonly cursor: Cursor;
};

export interface CompleteJoinOptions {
  readonly log: RoomLog;
  /** Position of the first entry after the join. */
  readonly next: number;
  readonly hash: Sha256 | undefined;
  readonly durability: Welcome['durability'];
  /** Entries that were fetched from the store, to be compared with what the client has read. */
  readonly entries?: ReadonlyMap<number, Uint8Array> | undefined;
}

/** Completes a join with its position in the log: entries before it are below `next`, entries after it are not. */
export const completeJoin = (
  event: Extract<MemberEvent, { type: 'joined' }>,
  { log, next: position, hash, durability, entries }: CompleteJoinOptions,
): JoinedMember => {
  const { id, ancestors, first, next: end } = log;
  const { count, members, member } = event;
  const next = Math.max(first, Math.min(position, end));
  const line = (n: number) => entries?.get(n) ?? log.line(n);
  const compared = { id, ancestors, first, next: end, line };
  const from = startPosition(member, { log: compared, next, hash, isStored: durability !== 'memory' });
  return {
    ...event,
    cursor: log.cursor(from, { releasesSlices: member.connection.copiesOnWrite }),
    welcome: {
      ...{ log: id, next, first, from, durability, count, members },
      ...(ancestors.length > 0 && { ancestors }),
    },
  };
};
