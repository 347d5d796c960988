import { afterEach, expect, test } from '@jest/globals';
import { encodeText } from '../../streams/wire/utf8.js';
import { listen } from './ear.js';
import { type Pair, transports } from './transports.js';

const open: Pair[] = [];
afterEach(() => {
  for (const pair of open.splice(0)) pair.dispose();
});

/** Of one connection: the memory in which either end found what the other one wrote. */
const memoryOf = async (name: string): Promise<Record<'near' | 'far', ReadonlySet<ArrayBufferLike>>> => {
  const pair = await transports.find((transport) => transport.name === name)?.pair();
  if (pair === undefined) throw new Error(`no transport is called ${name}`);
  open.push(pair);
  const memory = { near: new Set<ArrayBufferLike>(), far: new Set<ArrayBufferLike>() };
  for (const [end, other] of [
    ['near', 'far'],
    ['far', 'near'],
  ] as const) {
    const ear = listen(pair[end], ({ buffer }) => memory[end].add(buffer));
    for (let length = 1; length <= 3; length += 1) {
      pair[other].write(encodeText('x'));
      await ear.heard(length);
    }
  }
  return memory;
};

// Should a version of Node keep this elsewhere, the relay goes on without, at the price that oneBuffer.ts gives.
test('what a listener of ours accepts is read into one buffer, and nothing else is', async () => {
  const [one, another] = await Promise.all([memoryOf('tcp'), memoryOf('tcp')]);
  const foreign = await memoryOf('tcp sockets of another server');
  const shared = new Set([...one.far, ...another.far]);
  expect(shared.size).toBe(1);
  for (const own of [one.near, another.near, foreign.near, foreign.far])
    expect([...own].filter((each) => shared.has(each))).toStrictEqual([]);
});
