import { isIPv6, type Socket } from 'node:net';

/** What went wrong while a relay listened, with something that is no connection yet. The relay goes on. */
export type ListeningFault =
  /** A fault of this program with one socket, which was closed. */
  | { readonly type: 'socket-failed'; readonly peer: string; readonly reason: string }
  /** This process has no file descriptor left: whoever comes meanwhile is dropped. */
  | { readonly type: 'no-descriptors' }
  /** A page of this origin asked for a WebSocket, and may have none. */
  | { readonly type: 'origin-refused'; readonly peer: string; readonly origin: string };

/** Told of each fault. */
export type Report = (fault: ListeningFault) => void;

/** Returns the address and port of the other end of a socket. */
export const peerOf = ({
  remoteAddress = '',
  remotePort = 0,
}: Pick<Socket, 'remoteAddress' | 'remotePort'>): string =>
  `${isIPv6(remoteAddress) ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
