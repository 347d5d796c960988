import type { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { readIntoOne } from '../../src/transport/oneBuffer.js';
import { keepsApart, mayShareBuffer } from '../../src/transport/oneBufferTest.js';

test('the one buffer keeps connections apart, which is tried before a relay reads into it', async () => {
  expect(await keepsApart()).toBe(true);
  expect(await mayShareBuffer()).toBe(true);
});

test('a Node that gave out the bytes of another connection would be found', async () => {
  // As if a read went into the buffer before the chunk of the read before it was handed over.
  let late: (() => void) | undefined;
  const mixing = (socket: Socket, next: (chunk: Uint8Array) => void) =>
    readIntoOne(socket, (chunk) => {
      late?.();
      late = () => next(chunk);
      setImmediate(() => {
        late?.();
        late = undefined;
      });
    });
  expect(await keepsApart(mixing)).toBe(false);
});

test('where it cannot be done, it is not said to be wrong', async () => {
  expect(await keepsApart(() => false)).toBeUndefined();
});
