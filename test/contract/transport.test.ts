import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { firstValueFrom } from 'rxjs';
import type { Connection } from '../../streams/wire/connection.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { BUT_SOCKETS, fill, listen, pattern } from './ear.js';
import { type Pair, type Transport, transports } from './transports.js';

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Writes pieces as a good citizen does: waits where it is told to. */
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
    const [one, two] = [listen(near), listen(far)];
    near.write(encodeText('to the far end'));
    far.write(encodeText('to the near end'));
    await Promise.all([two.heard(14), one.heard(15)]);
    expect(String(two.bytes())).toBe('to the far end');
    expect(String(one.bytes())).toBe('to the near end');
  });

  test('carries bytes in order, whatever they are cut into', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(sizes, async (cuts) => {
        const each = await transport.pair();
        const all = pattern(cuts.reduce((sum, size) => sum + size, 0));
        const ear = listen(each.far);
        let from = 0;
        for (const size of cuts) each.near.write(all.subarray(from, (from += size)));
        each.near.close();
        expect(await ear.ended).toBeUndefined();
        expect(hash(ear.bytes())).toBe(hash(all));
        each.dispose();
      }),
      { numRuns: 25 },
    );
  });

  test('carries 2 000 tiny writes', async () => {
    const ear = listen(far);
    const texts = Array.from({ length: 2000 }, (_, n) => `${n}\n`);
    for (const text of texts) near.write(encodeText(text));
    const all = texts.join('');
    await ear.heard(all.length);
    expect(String(ear.bytes())).toBe(all);
  });

  test('carries 8 MiB one way to who reads, by a writer who waits', async () => {
    const ear = listen(far);
    const all = pattern(8 * 1024 * 1024);
    await send(near, all, 100_000);
    await ear.heard(all.length);
    expect(hash(ear.bytes())).toBe(hash(all));
  });

  test('hears what was written before it listened', async () => {
    near.write(encodeText('early'));
    const ear = listen(far);
    await ear.heard(5);
    expect(String(ear.bytes())).toBe('early');
  });

  test('says whether it takes at once', () => {
    const { takesAtOnce = false } = transport;
    expect([near, far].map((each) => each.takesAtOnce ?? false)).toStrictEqual([takesAtOnce, takesAtOnce]);
  });

  if (transport.takesAtOnce === true)
    test('carries what it was given, though that changes once it was taken', async () => {
      const ear = listen(far);
      const all = pattern(8 * 1024 * 1024);
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
      await ear.heard(all.length);
      expect(hash(ear.bytes())).toBe(hash(all));
      expect(pushedBack).toBeGreaterThan(0);
    });

  describe('that is full', () => {
    test('answers false, and emits when it takes bytes again, never within a write', async () => {
      let writing = false;
      let within = 0;
      let told = 0;
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
        told += 1;
        if (writing) within += 1;
      });
      const all = await fill(watched);
      const before = told;
      const again = firstValueFrom(near.writable$);
      const ear = listen(far);
      await again;
      expect(told).toBeGreaterThan(before);
      watched.write(encodeText('more'));
      await ear.heard(all.length + 4);
      subscription.unsubscribe();
      expect(within).toBe(0);
    });

    test('keeps in order what is written all the same', async () => {
      const all = await fill(near);
      near.write(encodeText('and'));
      near.write(encodeText(' more'));
      const ear = listen(far);
      await ear.heard(all.length + 8);
      expect(hash(ear.bytes().subarray(0, -8))).toBe(hash(all));
      expect(String(ear.bytes().subarray(-8))).toBe('and more');
    });
  });

  describe('that is paused', () => {
    test('pushes the writer back, and loses nothing when it reads on', async () => {
      const ear = listen(far);
      near.write(encodeText('x'));
      await ear.heard(1);
      far.pause();
      const all = await fill(near);
      expect(ear.bytes()).toHaveLength(1);
      far.resume();
      await ear.heard(1 + all.length);
      expect(hash(ear.bytes().subarray(1))).toBe(hash(all));
    });

    test('within a chunk hears no more until it reads on', async () => {
      const all = pattern(1024 * 1024);
      const ear = listen(far, () => {
        far.pause();
      });
      const sent = send(near, all, 65_536);
      for (let length = 0; length < all.length; length = ear.bytes().length) {
        await ear.heard(length + 1);
        far.resume();
      }
      await sent;
      expect(hash(ear.bytes())).toBe(hash(all));
    });

    test('before anybody listens, and reads on before too, is read as any other', async () => {
      far.pause();
      far.resume();
      const ear = listen(far);
      near.write(encodeText('hello'));
      await ear.heard(5);
      expect(String(ear.bytes())).toBe('hello');
    });

    test('before anybody listens, waits', async () => {
      far.pause();
      const ear = listen(far);
      const all = await fill(near);
      expect(ear.bytes()).toHaveLength(0);
      far.resume();
      await ear.heard(all.length);
      expect(hash(ear.bytes())).toBe(hash(all));
    });
  });

  describe('that is closed', () => {
    test('delivers what was written before, then ends at the other end', async () => {
      const all = await fill(near);
      // However long it takes here: what is given up after a while is tcp's own affair.
      jest.useFakeTimers(BUT_SOCKETS);
      near.close();
      const ear = listen(far);
      expect(await ear.ended).toBeUndefined();
      expect(hash(ear.bytes())).toBe(hash(all));
    });

    test('delivers its last words though it has not read what it was told', async () => {
      const told = await fill(far);
      near.write(encodeText('last words'));
      near.close();
      const ear = listen(far);
      expect(await ear.ended).toBeUndefined();
      expect(String(ear.bytes())).toBe('last words');
      expect(told.length).toBeGreaterThan(0);
    });

    test('ends its own reading within the call, in a chunk too', async () => {
      const ear = listen(near);
      near.close();
      expect(ear.over()).toBe(true);
      expect(await ear.ended).toBeUndefined();

      const other = await transport.pair();
      const over: boolean[] = [];
      const within = listen(other.far, () => {
        other.far.close();
        over.push(within.over());
      });
      other.near.write(encodeText('x'));
      await within.ended;
      expect(over).toStrictEqual([true]);
      other.dispose();
    });

    test('has ended for who listens later', async () => {
      near.close();
      expect(listen(near).over()).toBe(true);
      const ear = listen(far);
      expect(await ear.ended).toBeUndefined();
    });

    test('may be closed again, and takes nothing any more', async () => {
      const ear = listen(far);
      near.write(encodeText('before'));
      near.close();
      near.write(encodeText('after'));
      near.close();
      near.pause();
      near.resume();
      expect(await ear.ended).toBeUndefined();
      expect(String(ear.bytes())).toBe('before');
    });

    test('by both ends at once is closed', async () => {
      const [one, two] = [listen(near), listen(far)];
      near.close();
      far.close();
      expect(await Promise.all([one.ended, two.ended])).toStrictEqual([undefined, undefined]);
    });

    test('hears nothing any more', async () => {
      const ear = listen(near);
      far.write(encodeText('hello'));
      near.close();
      const other = listen(far);
      await other.ended;
      expect(ear.bytes()).toHaveLength(0);
    });
  });

  test('is read no further when nobody listens any more, so that the writer is pushed back', async () => {
    const ear = listen(far);
    near.write(encodeText('x'));
    await ear.heard(1);
    ear.stop();
    await fill(near);
    expect(ear.bytes()).toHaveLength(1);
    expect(ear.over()).toBe(false);
  });
});
