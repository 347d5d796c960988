import { Buffer } from 'node:buffer';
import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';

/**
 * What all accepted sockets of this process are read into, one read after the other, as large as what Node takes for each read.
 * A chunk is good during its own emission only, so that one is enough (ADR 0027).
 */
const BUFFER = Buffer.alloc(65_536);

const callback = (): boolean => true;

/** Where `net` keeps what it was told with `onread`: under symbols of its own. */
const placeOf = (told: unknown): symbol | undefined => {
  const options: SocketConstructorOpts & ConnectOpts = { onread: { buffer: BUFFER, callback } };
  const socket = new Socket(options);
  return Object.getOwnPropertySymbols(socket).find((key) => Reflect.get(socket, key) === told);
};
const bufferPlace = placeOf(BUFFER);
const callbackPlace = placeOf(callback);

interface Handle {
  readonly useUserBuffer?: (buffer: Uint8Array) => void;
}

/**
 * Has an accepted socket, of which nothing was read yet, read into the one buffer from now on, and stops it; whether that
 * could be done. Then it has no 'data', all else is as it was, and each chunk is overwritten once `next` returns.
 *
 * `net` offers this as `onread` to sockets that connect, not to those that a server accepts, so it is told in the place where it keeps
 * that. Without it each read takes 64 KiB of new memory, and a read that does not fill them zeroes and copies as much again as
 * it was: a fifth of what the relay does with lines of 1 KiB and ten members, and a tenth with lines of 150 B or in a thousand rooms.
 */
export const readIntoOne = (socket: Socket, next: (chunk: Uint8Array) => void): boolean => {
  const handle: unknown = Reflect.get(socket, '_handle');
  // Windows reads ahead, into a buffer that it was given before.
  if (process.platform === 'win32' || bufferPlace === undefined || callbackPlace === undefined) return false;
  if (typeof handle !== 'object' || handle === null) return false;
  const { useUserBuffer }: Handle = handle;
  if (useUserBuffer === undefined) return false;
  Reflect.set(socket, bufferPlace, BUFFER);
  Reflect.set(socket, callbackPlace, (length: number) => {
    next(BUFFER.subarray(0, length));
  });
  useUserBuffer.call(handle, BUFFER);
  socket.pause();
  return true;
};
