import { afterEach, expect, test } from '@jest/globals';
import { encodeText } from '../../../streams/wire/encoding.js';
import { record } from '../../support/recorder.js';
import { type Pair, transports } from '../../support/transports.js';

const open: Pair[] = [];
afterEach(() => {
  for (const pair of open.splice(0)) pair.dispose();
});

/** The buffers in which either end of a connection read the bytes of the other. */
const memoryOf = async (name: string): Promise<Record<'near' | 'far', ReadonlySet<ArrayBufferLike>>> => {
  const pair = await transports.find((transport) => transport.name === name)?.pair();
  if (pair === undefined) throw new Error(`no transport is called ${name}`);
  open.push(pair);
  const memory = { near: new Set<ArrayBufferLike>(), far: new Set<ArrayBufferLike>() };
  for (const [end, other] of [
    ['near', 'far'],
    ['far', 'near'],
  ] as const) {
    const recorder = record(pair[end], ({ buffer }) => memory[end].add(buffer));
    for (let length = 1; length <= 3; length += 1) {
      pair[other].write(encodeText('x'));
      await recorder.received(length);
    }
  }
  return memory;
};

// If a version of Node changes this, the relay works without it, at the cost stated in sharedReadBuffer.ts.
test('the shared read buffer is used for accepted connections only', async () => {
  const [one, another] = await Promise.all([memoryOf('tcp'), memoryOf('tcp')]);
  const foreign = await memoryOf('tcp sockets of another server');
  const shared = new Set([...one.far, ...another.far]);
  expect(shared.size).toBe(1);
  for (const own of [one.near, another.near, foreign.near, foreign.far])
    expect([...own].filter((each) => shared.has(each))).toStrictEqual([]);
});
