import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { firstValueFrom } from 'rxjs';
import type { Connection } from '../../../streams/wire/connection.js';
import { encodeText } from '../../../streams/wire/encoding.js';
import { FAKE_ALL_BUT_SOCKETS, fillSendBuffer, record, testPattern } from '../../support/recorder.js';
import { type Pair, type Transport, transports } from '../../support/transports.js';

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Writes chunks and respects backpressure. */
const send = async (connection: Connection, bytes: Uint8Array, size: number): Promise<void> => {
  for (let from = 0; from < bytes.length; from += size)
    if (!connection.write(bytes.subarray(from, from + size))) await firstValueFrom(connection.writable$);
};

describe.each<Transport>([...transports])('a connection over $name', (transport) => {
  let pair: Pair;
  let near: Connection;
  let far: Connection;
  beforeEach(async () => {
    pair = await transport.pair();
    ({ near, far } = pair);
  });
  afterEach(() => {
    pair.dispose();
    jest.useRealTimers();
  });

  test('names its peer and gives both ends the same binding', () => {
    expect(near.peer).not.toBe('');
    expect(far.peer).not.toBe('');
    expect(near.channelBinding).toStrictEqual(far.channelBinding);
  });

  test('carries bytes both ways', async () => {
    const [one, two] = [record(near), record(far)];
    near.write(encodeText('to the far end'));
    far.write(encodeText('to the near end'));
    await Promise.all([two.received(14), one.received(15)]);
    expect(String(two.bytes())).toBe('to the far end');
    expect(String(one.bytes())).toBe('to the near end');
  });

  test('carries bytes in order, in chunks of any size', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(sizes, async (cuts) => {
        const each = await transport.pair();
        const all = testPattern(cuts.reduce((sum, size) => sum + size, 0));
        const recorder = record(each.far);
        let from = 0;
        for (const size of cuts) each.near.write(all.subarray(from, (from += size)));
        each.near.close();
        expect(await recorder.ended).toBeUndefined();
        expect(hash(recorder.bytes())).toBe(hash(all));
        each.dispose();
      }),
      { numRuns: 25 },
    );
  });

  test('carries 2 000 tiny writes', async () => {
    const recorder = record(far);
    const texts = Array.from({ length: 2000 }, (_, n) => `${n}\n`);
    for (const text of texts) near.write(encodeText(text));
    const all = texts.join('');
    await recorder.received(all.length);
    expect(String(recorder.bytes())).toBe(all);
  });

  test('carries 8 MiB one way to a reader, from a writer that waits', async () => {
    const recorder = record(far);
    const all = testPattern(8 * 1024 * 1024);
    await send(near, all, 100_000);
    await recorder.received(all.length);
    expect(hash(recorder.bytes())).toBe(hash(all));
  });

  test('receives what was written before it was subscribed', async () => {
    near.write(encodeText('early'));
    const recorder = record(far);
    await recorder.received(5);
    expect(String(recorder.bytes())).toBe('early');
  });

  test('reports at once whether it accepts more', () => {
    const { copiesOnWrite = false } = transport;
    expect([near, far].map((each) => each.copiesOnWrite ?? false)).toStrictEqual([
      copiesOnWrite,
      copiesOnWrite,
    ]);
  });

  if (transport.copiesOnWrite === true)
    test('carries the bytes as they were written, even if the array changes later', async () => {
      const recorder = record(far);
      const all = testPattern(8 * 1024 * 1024);
      const given = Buffer.alloc(100_000);
      let pushedBack = 0;
      for (let from = 0; from < all.length; from += given.length) {
        const length = all.copy(given, 0, from, from + given.length);
        if (!near.write(given.subarray(0, length))) {
          pushedBack += 1;
          await firstValueFrom(near.writable$);
        }
        given.fill(0);
      }
      await recorder.received(all.length);
      expect(hash(recorder.bytes())).toBe(hash(all));
      expect(pushedBack).toBeGreaterThan(0);
    });

  describe('that is full', () => {
    test('returns false from write, and emits writable when it accepts bytes again, never within a write', async () => {
      let writing = false;
      let within = 0;
      let reported = 0;
      const watched: Pick<Connection, 'write' | 'writable$'> = {
        writable$: near.writable$,
        write: (bytes) => {
          writing = true;
          const taken = near.write(bytes);
          writing = false;
          return taken;
        },
      };
      const subscription = near.writable$.subscribe(() => {
        reported += 1;
        if (writing) within += 1;
      });
      const all = await fillSendBuffer(watched);
      const before = reported;
      const again = firstValueFrom(near.writable$);
      const recorder = record(far);
      await again;
      expect(reported).toBeGreaterThan(before);
      watched.write(encodeText('more'));
      await recorder.received(all.length + 4);
      subscription.unsubscribe();
      expect(within).toBe(0);
    });

    test('keeps the order of bytes written while it is full', async () => {
      const all = await fillSendBuffer(near);
      near.write(encodeText('and'));
      near.write(encodeText(' more'));
      const recorder = record(far);
      await recorder.received(all.length + 8);
      expect(hash(recorder.bytes().subarray(0, -8))).toBe(hash(all));
      expect(String(recorder.bytes().subarray(-8))).toBe('and more');
    });
  });

  describe('that is paused', () => {
    test('pushes the writer back, and loses nothing when it resumes', async () => {
      const recorder = record(far);
      near.write(encodeText('x'));
      await recorder.received(1);
      far.pause();
      const all = await fillSendBuffer(near);
      expect(recorder.bytes()).toHaveLength(1);
      far.resume();
      await recorder.received(1 + all.length);
      expect(hash(recorder.bytes().subarray(1))).toBe(hash(all));
    });

    test('receives no more of a chunk until it resumes', async () => {
      const all = testPattern(1024 * 1024);
      const recorder = record(far, () => {
        far.pause();
      });
      const sent = send(near, all, 65_536);
      for (let length = 0; length < all.length; length = recorder.bytes().length) {
        await recorder.received(length + 1);
        far.resume();
      }
      await sent;
      expect(hash(recorder.bytes())).toBe(hash(all));
    });

    test('is read completely if it is paused and resumed before the subscription', async () => {
      far.pause();
      far.resume();
      const recorder = record(far);
      near.write(encodeText('hello'));
      await recorder.received(5);
      expect(String(recorder.bytes())).toBe('hello');
    });

    test('waits when it is paused before it is subscribed', async () => {
      far.pause();
      const recorder = record(far);
      const all = await fillSendBuffer(near);
      expect(recorder.bytes()).toHaveLength(0);
      far.resume();
      await recorder.received(all.length);
      expect(hash(recorder.bytes())).toBe(hash(all));
    });
  });

  describe('that is closed', () => {
    test('delivers what was written before, then ends at the other end', async () => {
      const all = await fillSendBuffer(near);
      // However long it takes here: only TCP has a timeout for this.
      jest.useFakeTimers(FAKE_ALL_BUT_SOCKETS);
      near.close();
      const recorder = record(far);
      expect(await recorder.ended).toBeUndefined();
      expect(hash(recorder.bytes())).toBe(hash(all));
    });

    test('delivers its last bytes even if it has not read what it received', async () => {
      const reported = await fillSendBuffer(far);
      near.write(encodeText('last words'));
      near.close();
      const recorder = record(far);
      expect(await recorder.ended).toBeUndefined();
      expect(String(recorder.bytes())).toBe('last words');
      expect(reported.length).toBeGreaterThan(0);
    });

    test('ends its own reading within the call, even within a chunk', async () => {
      const recorder = record(near);
      near.close();
      expect(recorder.isOver()).toBe(true);
      expect(await recorder.ended).toBeUndefined();

      const other = await transport.pair();
      const over: boolean[] = [];
      const within = record(other.far, () => {
        other.far.close();
        over.push(within.isOver());
      });
      other.near.write(encodeText('x'));
      await within.ended;
      expect(over).toStrictEqual([true]);
      other.dispose();
    });

    test('has ended for later subscribers', async () => {
      near.close();
      expect(record(near).isOver()).toBe(true);
      const recorder = record(far);
      expect(await recorder.ended).toBeUndefined();
    });

    test('may be closed again, and accepts no more writes', async () => {
      const recorder = record(far);
      near.write(encodeText('before'));
      near.close();
      near.write(encodeText('after'));
      near.close();
      near.pause();
      near.resume();
      expect(await recorder.ended).toBeUndefined();
      expect(String(recorder.bytes())).toBe('before');
    });

    test('is closed when both ends close it at once', async () => {
      const [one, two] = [record(near), record(far)];
      near.close();
      far.close();
      expect(await Promise.all([one.ended, two.ended])).toStrictEqual([undefined, undefined]);
    });

    test('receives nothing more', async () => {
      const recorder = record(near);
      far.write(encodeText('hello'));
      near.close();
      const other = record(far);
      await other.ended;
      expect(recorder.bytes()).toHaveLength(0);
    });
  });

  test('is not read further when nobody is subscribed, so that the writer is pushed back', async () => {
    const recorder = record(far);
    near.write(encodeText('x'));
    await recorder.received(1);
    recorder.stop();
    await fillSendBuffer(near);
    expect(recorder.bytes()).toHaveLength(1);
    expect(recorder.isOver()).toBe(false);
  });
});
