import type { FernetKey } from '../envelope/cipher.js';
import type { TokenEntry } from '../receive/entries.js';
import type { GroupInfo } from './engine.js';
import type { FormerLog } from './formerLog.js';
import { formerLogReader } from './formerLogReader.js';
import type { GroupContext } from './groupEpoch.js';
import type { NotAFrame } from './groupSession.js';
import type { GroupEvent, GroupState } from './groupState.js';

/** The logs that a room left, which a client reads again before the present one. */
export interface FormerLogs<Room> {
  /** Whether a former log is read now. */
  readonly isReading: boolean;
  /** The room of the former log that is read now. */
  readonly room: Room | undefined;
  /** Opens an entry of that log. */
  readonly open: (entry: TokenEntry) => readonly (GroupEvent | NotAFrame)[];
  /**
   * Handles another log in place of that one. Unless it has all entries up to the move, nothing of it is opened any more: what
   * the relay has instead is not of this group's past.
   */
  readonly onLogChanged: (shared: number | undefined) => void;
  /** Goes on to the next log. Returns its id, or `undefined` if the next one is the present log. */
  readonly readNext: () => string | undefined;
}

/** Begins to read former logs, oldest first. */
export const createFormerLogs = <
  State,
  Info extends GroupInfo,
  Room extends { readonly outerKey: FernetKey },
>(
  context: GroupContext<State, Info>,
  state: GroupState<State, Info>,
  logs: readonly FormerLog[],
  deriveRoom: (inviteSecret: Uint8Array) => Room,
): FormerLogs<Room> => {
  const openLog = (log: FormerLog | undefined) => {
    if (log === undefined || state.phase !== 'member') return undefined;
    const room = deriveRoom(log.inviteSecret);
    return { room, end: log.end, open: formerLogReader(context, state, log, room.outerKey) };
  };
  const waiting = [...logs];
  let present = openLog(waiting.shift());

  return {
    get isReading() {
      return present !== undefined;
    },
    get room() {
      return present?.room;
    },
    open: (entry) => present?.open(entry) ?? [],
    onLogChanged: (shared = 0) => {
      if (present !== undefined && shared < present.end) present = { ...present, open: () => [] };
    },
    readNext: () => {
      const next = waiting.shift();
      present = openLog(next);
      return next?.log;
    },
  };
};
