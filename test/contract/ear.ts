import type { jest } from '@jest/globals';
import type { Subscription } from 'rxjs';
import type { Connection, Sink } from '../../streams/wire/connection.js';

/** One who reads a connection and can be waited for. */
export interface Ear {
  /** What was heard so far. */
  readonly bytes: () => Buffer;
  /** Resolves once so many bytes were heard. */
  readonly heard: (length: number) => Promise<void>;
  /** Resolves with the error that ended it, or with nothing when it completed. */
  readonly ended: Promise<unknown>;
  readonly over: () => boolean;
  readonly stop: () => void;
}

export const listen = (
  connection: Connection,
  onChunk: (bytes: Uint8Array) => void = () => undefined,
): Ear => {
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
        // A chunk is only good during its own emission.
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
    heard: (due) =>
      new Promise((resolve) => {
        if (length >= due) resolve();
        else waiting.set(resolve, due);
      }),
    ended,
    over: () => over,
    stop: () => {
      subscription?.unsubscribe();
    },
  };
};

/** Bytes that tell where they belong: no two words of them are the same. */
export const pattern = (length: number): Buffer => {
  // Looking up a global is slow in the realm of a test.
  const { ceil, imul } = Math;
  const words = new Uint32Array(ceil(length / 4));
  for (let at = 0; at < words.length; at += 1) words[at] = imul(at, 0x9e3779b1);
  return Buffer.from(words.buffer, 0, length);
};

/** So many turns of the event loop, in each of which every socket that has something is read. */
const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n += 1) await new Promise(setImmediate);
};

/** Fake timers, but for what sockets themselves go on. */
export const BUT_SOCKETS: NonNullable<Parameters<typeof jest.useFakeTimers>[0]> = {
  doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'],
};

const BLOCK = 65_536;

/** More than any two kernels hold between them. */
const ENOUGH = pattern(64 * 1024 * 1024);

/**
 * Writes until it is pushed back and stays so, which it does only if nobody reads at the other end; gives what was
 * written.
 */
export const fill = async (connection: Sink): Promise<Buffer> => {
  let length = 0;
  let full = false;
  const subscription = connection.writable$.subscribe(() => {
    full = false;
  });
  while (!full) {
    full = !connection.write(ENOUGH.subarray(length, length + BLOCK));
    length += BLOCK;
    if (length > ENOUGH.length) throw new Error('is never full: somebody reads at the other end');
    if (full) await turns();
  }
  subscription.unsubscribe();
  return ENOUGH.subarray(0, length);
};
