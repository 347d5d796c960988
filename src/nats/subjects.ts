import { createHash } from 'node:crypto';

/** Where the records of a room are. */
export interface RoomSubject {
  readonly stream: string;
  /** Records are appended here. */
  readonly subject: string;
  /** The engine publishes committed records here. */
  readonly liveSubject: string;
}

/** Returns where the records of a room are. Throws if the name of the room cannot be part of a subject. */
export const roomSubject = (room: string, shards: number): RoomSubject => {
  checkRoom(room);
  const shard = createHash('sha256').update(room).digest().readUInt32BE(0) % shards;
  return {
    stream: streamName(shard),
    subject: `rx.${shard}.${room}`,
    liveSubject: `rxlive.${shard}.${room}`,
  };
};

/** Returns where the reservation of a room is. Throws if the name of the room cannot be part of a subject. */
export const reservationSubject = (room: string): Pick<RoomSubject, 'stream' | 'subject'> => {
  checkRoom(room);
  return { stream: RESERVATIONS, subject: `rxreservation.${room}` };
};

const checkRoom = (room: string): void => {
  if (!/^[\w-]+$/.test(room)) throw new Error('the name of a room has other characters than base64url');
};

/** The stream of the reservations. */
export const RESERVATIONS = 'RXRESERVATIONS';

export const streamName = (shard: number): string => `RX${shard}`;
