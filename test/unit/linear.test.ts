import { expect, jest, test } from '@jest/globals';
import type { Token } from '../../streams/client/cipher.js';
import { transcript } from '../../streams/client/transcript.js';
import { senderTimes } from '../../streams/client/senderTimes.js';
import { witness } from '../../streams/client/witness.js';
import { sha256 } from '../../src/crypto/sha256.js';
import { welcome } from '../support/heard.js';
import { ALICE, BOB, runOf, signed } from '../support/people.js';

/** Bytes that are hashed, and keys of maps that are looked at, for a log in which each entry has a claim of all since the last. */
const workOf = (count: number) => {
  let hashed = 0;
  let looked = 0;
  const hash = (bytes: Uint8Array) => {
    hashed += bytes.length;
    return sha256(bytes);
  };
  const spies = (['get', 'set', 'has', 'delete', 'keys'] as const).map((name) => {
    const original = Reflect.get(Map.prototype, name) as (...values: unknown[]) => unknown;
    return jest.spyOn(Map.prototype, name).mockImplementation(function (this: unknown, ...values: unknown[]) {
      looked += 1;
      return original.apply(this, values) as never;
    });
  });
  try {
    const [alice, bob] = [transcript({ hash }), transcript({ hash })];
    const judge = witness({ key: ALICE.key }, alice);
    const times = senderTimes({ now: () => 0 });
    for (const each of [alice, bob]) each.read(welcome({ from: 1 }));
    for (let position = 1; position <= count; position += 1) {
      const token = `gAAAA ${position}` as Token;
      const seen = bob.claim();
      for (const each of [alice, bob]) each.read({ type: 'token', position, token });
      if (seen !== undefined && position % 2 === 0) bob.settle(seen, position);
      const envelope = signed({
        nick: 'bob',
        key: BOB.key,
        // A new session now and then.
        session: runOf((position - 1) >> 6),
        counter: 1 + ((position - 1) & 63),
        stored: (position - 1) & 63,
        seen,
      });
      const { noticed } = judge({ type: 'opened', position, token, envelope });
      expect(noticed.filter(({ type }) => type === 'alarm')).toStrictEqual([]);
      times.take(envelope, position);
    }
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return { hashed, looked };
};

test('reading four times as much takes about four times the work', () => {
  const [once, fourTimes] = [workOf(2000), workOf(8000)];
  expect(once.hashed).toBeGreaterThan(0);
  expect(once.looked).toBeGreaterThan(0);
  expect(fourTimes.hashed / once.hashed).toBeLessThan(4.4);
  expect(fourTimes.looked / once.looked).toBeLessThan(4.4);
});
