import type { CommittedEvent } from '../log/commitQueue.js';
import type { RoomBatch } from './batch.js';
import type { RoomContext } from './roomContext.js';

/** Applies the changes of a batch of another relay. Returns the connections at this relay that it has ended. */
export const applyForeign = (
  { shared, locals, announcements }: RoomContext,
  batch: RoomBatch,
): readonly CommittedEvent[] => {
  const moved = shared.applyForeign(batch);
  // The other relay announces what it has decided.
  for (const change of batch.changes)
    if (change.type === 'left') announcements.cancelJoin(change.nick);
    else if (change.type === 'joined' && !change.resumed) announcements.cancelLeave(change.member.nick);
  return moved.flatMap((member): CommittedEvent[] => {
    const local = locals.at(member.connection);
    locals.forgetIfGone(member, shared.roster);
    if (local === undefined || !locals.isOpen(member.connection)) return [];
    const hasMoved = shared.roster.findSession(member.session) !== undefined;
    const reason = hasMoved ? 'came back over another connection' : 'another relay counted it as gone';
    return [{ type: 'disconnected', member: local.member, reason }];
  });
};
