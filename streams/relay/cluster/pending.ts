import type { Lines } from '../../wire/lines.js';
import type { Member, MemberCommand } from '../connection/parseCommands.js';
import type { HandoffId } from './batch.js';
import type { SharedMember } from './sharedRoster.js';

/** A connection at this relay: its member here, and as other relays know it. */
export interface LocalMember {
  readonly member: Member;
  readonly shared: SharedMember;
}

/** Lines of a member at another relay, which that relay hands to this one. */
export interface HandedLines {
  readonly session: string;
  readonly connection: string;
  readonly lines: Lines;
}

/** Something that waits for the next batch of this relay. */
export type Pending =
  | {
      readonly type: 'join';
      readonly local: LocalMember;
      /** The entries to compare with what the client has read, if they are not in memory. */
      readonly entries?: ReadonlyMap<number, Uint8Array>;
    }
  | {
      readonly type: 'tokens';
      readonly local: LocalMember;
      readonly lines: Lines;
      /** The handoff that they were in, if any: another writer may have appended them. */
      readonly handoff?: HandoffId;
    }
  | { readonly type: 'ping' | 'idle'; readonly local: LocalMember }
  | {
      readonly type: 'leave';
      readonly local: LocalMember;
      readonly reason: string;
      readonly error?: Extract<MemberCommand, { type: 'leave' }>['error'];
    }
  /** The grace period of a member has ended. */
  | { readonly type: 'expired'; readonly shared: SharedMember }
  /** The interval in which joins and leaves are coalesced has ended. */
  | { readonly type: 'coalesced' }
  /** The last snapshot is old: a batch with another one is written, unless that has happened. */
  | { readonly type: 'snapshot' }
  /** The engine has lost records of a log: one of a later generation begins, unless that has happened. */
  | { readonly type: 'lost'; readonly generation: number }
  /** The room closes: all joins and leaves are announced. */
  | { readonly type: 'flush' }
  | { readonly type: 'handoff'; readonly id: HandoffId; readonly parts: readonly HandedLines[] };

/** Returns what waits for a command of a member. */
export const toPending = (command: MemberCommand, local: LocalMember): Pending => {
  switch (command.type) {
    case 'tokens': {
      const { bytes, count } = command.lines;
      // Copied, since the lines are valid only now. `slice` of a `Buffer` does not copy.
      return { type: 'tokens', local, lines: { bytes: new Uint8Array(bytes), count } };
    }
    case 'leave': {
      const { type, reason, error } = command;
      return { type, local, reason, ...(error && { error }) };
    }
    default:
      return { type: command.type, local };
  }
};

/** What an item without lines counts for: about its size in the head of a batch. */
const CHANGE_BYTES = 200;

/** Returns about how many bytes an item adds to a batch. */
export const sizeOf = (pending: Pending): number => {
  switch (pending.type) {
    case 'tokens':
      return pending.lines.bytes.length;
    case 'handoff':
      return pending.parts.reduce((sum, { lines }) => sum + lines.bytes.length, CHANGE_BYTES);
    default:
      return CHANGE_BYTES;
  }
};

/** Maximum size of a batch in bytes, except for one item: the engine takes messages of 1 MB. */
const MAX_BATCH_BYTES = 524_288;
/** How often the maximum is halved after lost races. */
const MAX_HALVINGS = 5;

/** Returns the maximum size of a batch after so many lost races. A smaller one is ready sooner. */
export const maxBatchBytes = (lostRaces: number): number =>
  MAX_BATCH_BYTES >> Math.min(lostRaces, MAX_HALVINGS);

/** Returns the member that waits for an item. Nobody waits for the end of a connection. */
export const memberOf = (item: Pending): Member | undefined =>
  'local' in item && item.type !== 'leave' ? item.local.member : undefined;
