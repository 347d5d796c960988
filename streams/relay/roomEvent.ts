import type { Welcome } from '../wire/handshake.js';
import type { Member } from './commands.js';
import type { Announced } from './presence.js';
import type { Attendance } from './rollCall.js';
import type { Cursor } from './logCursor.js';

/** A member that joined, with its place in the log. */
export type Seated = Extract<Attendance, { type: 'joined' }> & {
  readonly welcome: Welcome;
  readonly cursor: Cursor;
};

/** A member's lines are in the log and committed: how many, and how many bytes. */
export interface LinesStored {
  readonly type: 'stored';
  readonly member: Member;
  readonly count: number;
  readonly bytes: number;
}

/** The store did not take what was said: it is dropped, and who said it is refused with `storage`. */
export interface NotStored {
  readonly type: 'not-stored';
  readonly room: string;
  readonly reason: string;
}

/** A member's sink threw: its connection is closed, and it leaves. */
export interface Failed {
  readonly type: 'failed';
  readonly member: Member;
  readonly reason: string;
}

/** What happened in a room, in the order of its log. */
export type RoomEvent =
  Exclude<Attendance, { type: 'joined' | 'tokens' }> | Seated | LinesStored | Announced | NotStored | Failed;
