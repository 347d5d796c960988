import type { ConnectionInfo } from '../../streams/relay/index.js';
import { MAX_ROWS } from './protocol.js';

/** A connection in the reply to `connections`. */
export interface ConnectionRow {
  readonly peer: string;
  /** When it was opened, in ISO 8601. */
  readonly since: string;
  readonly receivedBytes: number;
  /** Absent until its client has joined. */
  readonly nick?: string;
  readonly room?: string;
}

/** A room with members in the reply to `rooms`. */
export interface RoomRow {
  readonly room: string;
  readonly connections: number;
  /** Bytes that were received over these connections. */
  readonly receivedBytes: number;
  /** When the oldest of these connections was opened, in ISO 8601. */
  readonly since: string;
}

/** Rows of a reply: at most 10 000, and the number of all. */
export interface Rows<T> {
  readonly total: number;
  readonly rows: readonly T[];
}

/** Returns the connections that sent most, first. */
export const connectionRows = (connections: readonly ConnectionInfo[]): Rows<ConnectionRow> =>
  largest(
    connections.map(({ peer, openedAt, receivedBytes, member }) => ({
      peer,
      since: new Date(openedAt).toISOString(),
      receivedBytes,
      ...(member && { nick: member.nick, room: member.room }),
    })),
  );

/** Returns the rooms whose connections sent most, first. */
export const roomRows = (connections: readonly ConnectionInfo[]): Rows<RoomRow> => {
  const rooms = new Map<string, { connections: number; receivedBytes: number; openedAt: number }>();
  for (const { member, openedAt, receivedBytes } of connections) {
    if (member === undefined) continue;
    const row = rooms.get(member.room) ?? { connections: 0, receivedBytes: 0, openedAt };
    row.connections += 1;
    row.receivedBytes += receivedBytes;
    row.openedAt = Math.min(row.openedAt, openedAt);
    rooms.set(member.room, row);
  }
  return largest(
    Array.from(rooms, ([room, { openedAt, ...counts }]) => ({
      room,
      ...counts,
      since: new Date(openedAt).toISOString(),
    })),
  );
};

const largest = <T extends { readonly receivedBytes: number }>(rows: readonly T[]): Rows<T> => ({
  total: rows.length,
  rows: rows.toSorted((a, b) => b.receivedBytes - a.receivedBytes).slice(0, MAX_ROWS),
});
