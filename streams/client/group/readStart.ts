import type { Resume } from '../../wire/fields.js';
import type { FormerLog } from './formerLog.js';
import type { GroupInfo } from './engine.js';
import type { GroupCrypto } from './groupEpoch.js';
import { forgetOld } from './pastEpochs.js';
import { FIRST_READ_ENTRIES } from './readBack.js';
import type { GroupRole } from './handshakeNeed.js';
import type { Snapshot } from './savedState.js';

/** Where a client begins to read, and what it reads on the way. */
export interface ReadStart {
  readonly after: Resume | undefined;
  readonly last: number | undefined;
  /** The logs that the room left since `after`, oldest first. They are read before the present one. */
  readonly formerLogs: readonly FormerLog[];
  /** `after` was in a log that this device does not know any more. Entries between may be missing. */
  readonly isLogUnknown: boolean;
}

const OLDEST: Resume = { log: '*', n: 0 };

/** Options of `readStart`. */
export interface ReadStartOptions<State, Info extends GroupInfo> {
  readonly context: Pick<GroupCrypto, 'forgetMs'>;
  readonly role: GroupRole;
  readonly snapshot?: Snapshot<State, Info> | undefined;
  readonly after?: Resume | undefined;
  readonly last?: number | undefined;
  /** Returns the time of day in ms since 1970, by which message keys are forgotten. */
  readonly now: () => number;
}

/**
 * Decides where to begin to read. A device reads on from its state, since no commit may be missing, or from an earlier
 * position. A position in a log that the room left leads through that log, and then from the beginning of the next one.
 */
export const readStart = <State, Info extends GroupInfo>({
  context,
  now,
  role,
  snapshot,
  after,
  last = 0,
}: ReadStartOptions<State, Info>): ReadStart => {
  const from = (start: Resume | undefined): ReadStart => ({
    after: start,
    last: undefined,
    formerLogs: [],
    isLogUnknown: false,
  });
  if (role.type === 'external') return { ...from(undefined), last: FIRST_READ_ENTRIES };
  const resume = snapshot?.state.phase === 'member' ? snapshot.resume : undefined;
  if (snapshot?.state.phase !== 'member' || resume === undefined) return from(OLDEST);
  if (after === undefined)
    return from(last === 0 ? resume : { log: resume.log, n: Math.max(0, resume.n - last) });
  if (after.log === resume.log || after.log === OLDEST.log)
    return from(after.n < resume.n ? { ...after, log: resume.log } : resume);
  const present = forgetOld(context, snapshot.state, now());
  const formerLogs = present.phase === 'member' ? present.formerLogs : [];
  const index = formerLogs.findIndex(({ log }) => log === after.log);
  return index === -1
    ? // The relay may know it as an ancestor of the present one.
      { ...from(after.n <= resume.n ? after : { log: after.log, n: resume.n }), isLogUnknown: true }
    : { ...from(after), formerLogs: formerLogs.slice(index) };
};
