import type { jest } from '@jest/globals';
import type { Subscription } from 'rxjs';
import type { Connection, Sink } from '../../streams/wire/connection.js';

/** Records the bytes of a connection, and lets a test wait for them. */
export interface Recorder {
  /** The bytes that were received so far. */
  readonly bytes: () => Buffer;
  /** Resolves once that many bytes were received. */
  readonly received: (length: number) => Promise<void>;
  /** Resolves with the connection's error, or with `undefined` when it completes. */
  readonly ended: Promise<unknown>;
  readonly isOver: () => boolean;
  readonly stop: () => void;
}

export const record = (
  connection: Connection,
  onChunk: (bytes: Uint8Array) => void = () => undefined,
): Recorder => {
  const chunks: Buffer[] = [];
  const waiting = new Map<() => void, number>();
  let length = 0;
  let over = false;
  let subscription: Subscription | undefined;
  const ended = new Promise<unknown>((resolve) => {
    const end = (error?: unknown) => {
      over = true;
      resolve(error);
    };
    subscription = connection.chunk$.subscribe({
      next: (chunk) => {
        // A chunk is only valid during its own emission.
        chunks.push(Buffer.from(chunk));
        length += chunk.length;
        onChunk(chunk);
        for (const [wake, due] of waiting) if (length >= due) wake();
      },
      error: end,
      complete: () => {
        end();
      },
    });
  });

  return {
    bytes: () => Buffer.concat(chunks),
    received: (due) =>
      new Promise((resolve) => {
        if (length >= due) resolve();
        else waiting.set(resolve, due);
      }),
    ended,
    isOver: () => over,
    stop: () => {
      subscription?.unsubscribe();
    },
  };
};

/** Returns bytes in which no two words are equal, so that each has a known place. */
export const testPattern = (length: number): Buffer => {
  // Looking up a global is slow in the realm of a test.
  const { ceil, imul } = Math;
  const words = new Uint32Array(ceil(length / 4));
  for (let at = 0; at < words.length; at += 1) words[at] = imul(at, 0x9e3779b1);
  return Buffer.from(words.buffer, 0, length);
};

/** Waits for 20 turns of the event loop. In each turn, Node reads every socket that has data. */
const waitForSockets = async (): Promise<void> => {
  for (let n = 0; n < 20; n += 1) await new Promise(setImmediate);
};

/** Fakes all timers except those that sockets use. */
export const FAKE_ALL_BUT_SOCKETS: NonNullable<Parameters<typeof jest.useFakeTimers>[0]> = {
  doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'],
};

const BLOCK = 65_536;

/** More bytes than two kernels buffer together. */
const FILLER = testPattern(64 * 1024 * 1024);

/**
 * Writes until the connection pushes back and stays full, which requires that the other end does not read. Returns
 * the written bytes.
 */
export const fillSendBuffer = async (connection: Sink): Promise<Buffer> => {
  let length = 0;
  let full = false;
  const subscription = connection.writable$.subscribe(() => {
    full = false;
  });
  while (!full) {
    full = !connection.write(FILLER.subarray(length, length + BLOCK));
    length += BLOCK;
    if (length > FILLER.length) throw new Error('is never full: somebody reads at the other end');
    if (full) await waitForSockets();
  }
  subscription.unsubscribe();
  return FILLER.subarray(0, length);
};
