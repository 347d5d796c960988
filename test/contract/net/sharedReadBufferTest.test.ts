import type { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import {
  canShareReadBuffer,
  testSharedBuffer,
  useSharedReadBuffer,
} from '../../../src/net/sharedReadBuffer.js';

test('sharedReadBufferTest passes when the shared buffer keeps connections apart', async () => {
  expect(await testSharedBuffer()).toBe(true);
  expect(await canShareReadBuffer()).toBe(true);
});

test('sharedReadBufferTest detects a Node that returns the bytes of another connection', async () => {
  // As if a read overwrote the buffer before the previous chunk was delivered.
  let late: (() => void) | undefined;
  const mixing = (socket: Socket, next: (chunk: Uint8Array) => void) =>
    useSharedReadBuffer(socket, (chunk) => {
      late?.();
      late = () => next(chunk);
      // Longer than a tick: on a busy machine the two connections are read in different ticks.
      setTimeout(() => {
        late?.();
        late = undefined;
      }, 20);
    });
  expect(await testSharedBuffer(mixing)).toBe(false);
});

test('sharedReadBufferTest reports no error when it cannot run', async () => {
  expect(await testSharedBuffer(() => false)).toBeUndefined();
});
