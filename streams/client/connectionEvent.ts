import type { JoinedMessage } from './join.js';
import type { Renamed, RenameRejected } from './reconnect/nickChange.js';
import type { Offline } from './reconnect/reconnect.js';

export type ConnectionStatus = Offline | Renamed | RenameRejected;

/** What the connections emit, one after the other. */
export type ConnectionEvent = JoinedMessage | ConnectionStatus;

export const isConnectionStatus = (event: { readonly type: string }): event is ConnectionStatus =>
  event.type === 'offline' || event.type === 'renamed' || event.type === 'rename-rejected';
