import type { FernetKey } from '../envelope/cipher.js';
import type { TokenEntry } from '../receive/entries.js';
import type { GroupInfo } from './engine.js';
import type { FormerLog } from './formerLog.js';
import { openFrame } from './frame.js';
import type { GroupContext } from './groupEpoch.js';
import type { NotAFrame } from './groupSession.js';
import type { GroupEvent, MemberState } from './groupState.js';
import { rereadFrame } from './rereadFrame.js';

/** Returns a function that reads the entries of a former log again. The state of the device does not change. */
export const formerLogReader = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  member: MemberState<State, Info>,
  { end, pastEpochs }: FormerLog,
  outerKey: FernetKey,
): ((entry: TokenEntry) => readonly (GroupEvent | NotAFrame)[]) => {
  let state: MemberState<State, Info> = {
    ...member,
    epoch: { ...member.epoch, start: end },
    pastEpochs,
    hasMoved: true,
  };
  return ({ position, token }) => {
    const frame = openFrame(context.cipher, outerKey, token);
    if (typeof frame === 'string') return [{ type: 'undecryptable', position, reason: frame }];
    const step = rereadFrame(context, state, { position, token, frame, timeMs: 0 });
    // It remembers the message key that was derived last.
    if (step.state.phase === 'member') state = step.state;
    return step.events;
  };
};
