/** How long a member takes to read what happened while it was away. */
import { formatSnapshot, parseSnapshot } from '../../dist/streams/client/group/savedState.js';
import { expectEvent } from './checks.mjs';
import { timeCpu } from './cpu.mjs';
import { DAY_MS } from './room.mjs';

/** Renews keys `commits` times in a week, by two members in turn, and reads that with the state of before. */
export const measureCatchUp = (room, { away, committers, commits }) => {
  const { engine, clock, contextOf, openSession } = room;
  const stored = formatSnapshot(engine, {
    inviteSecret: new Uint8Array(32),
    resume: undefined,
    state: away.session.state,
  });
  const entries = Array.from({ length: commits }, () => {
    clock.timeMs += (7 * DAY_MS) / commits;
    return room.renew(committers);
  });
  const context = contextOf(away.context.device, 7 * DAY_MS);
  const { result, ms } = timeCpu(() => {
    const { session } = openSession(context, parseSnapshot(context, stored).state);
    const events = entries.map((entry) => session.open(entry));
    return { session, events };
  });
  for (const events of result.events) expectEvent(events, 'epoch');
  const codeOf = ({ session }) => Buffer.from(session.state.epoch.view.epochAuthenticator).toString('hex');
  if (codeOf(result) !== codeOf(room.creator))
    throw new Error('the member that was away is in another group');
  return { ms, bytes: entries.reduce((sum, { token }) => sum + token.length + 1, 0) };
};
