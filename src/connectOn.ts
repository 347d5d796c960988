import type { Observable } from 'rxjs';
import { session, type Session } from '../streams/client/index.js';
import { untilAborted } from './aborted.js';
import type { Invite } from './invite/invite.js';
import type { Platform } from './platform.js';
import { roomOn, type RoomOptions } from './roomOn.js';

export interface ConnectOptions extends RoomOptions {
  /** How many messages may wait for their receipts; 1024. */
  readonly limit?: number;
}

/** `connect` for a platform. */
export const connectOn = (
  platform: Platform,
): ((invite: Invite | string, options: ConnectOptions) => Observable<Session>) => {
  const room = roomOn(platform);
  return (invite, { limit, signal, ...options }) =>
    session({ talk: room(invite, options), now: platform.now, ...(limit !== undefined && { limit }) }).pipe(
      untilAborted(signal),
    );
};
