import { expect, jest, test } from '@jest/globals';
import type { Token } from '../../../../streams/client/envelope/cipher.js';
import { transcript } from '../../../../streams/client/integrity/transcript.js';
import { timestampChecker } from '../../../../streams/client/integrity/timestampChecker.js';
import { auditor } from '../../../../streams/client/integrity/auditor.js';
import { sha256 } from '../../../../src/crypto/nodeVerify.js';
import { welcomeEvent } from '../../../support/clientEvents.js';
import { ALICE, BOB, senderSessionOf, signedEnvelope } from '../../../support/envelopes.js';

/**
 * Counts hashed bytes and map lookups for a log in which each entry attests to all entries since the last
 * attestation.
 */
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
    const audit = auditor({ key: ALICE.key }, alice);
    const times = timestampChecker({ now: () => 0 });
    for (const each of [alice, bob]) each.read(welcomeEvent({ from: 1 }));
    for (let position = 1; position <= count; position += 1) {
      const token = `gAAAA ${position}` as Token;
      const seen = bob.summary();
      for (const each of [alice, bob]) each.read({ type: 'token', position, token });
      if (seen !== undefined && position % 2 === 0) bob.confirm(seen, position);
      const envelope = signedEnvelope({
        nick: 'bob',
        key: BOB.key,
        // A new session from time to time.
        session: senderSessionOf((position - 1) >> 6),
        counter: 1 + ((position - 1) & 63),
        stored: (position - 1) & 63,
        seen,
      });
      const { findings } = audit({ position, envelope, contentId: envelope.signature });
      expect(findings.filter(({ type }) => type === 'alarm')).toStrictEqual([]);
      times.check(envelope, position);
    }
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return { hashed, looked };
};

test('the work of a client grows linearly with the entries it reads', () => {
  const [once, fourTimes] = [workOf(2000), workOf(8000)];
  expect(once.hashed).toBeGreaterThan(0);
  expect(once.looked).toBeGreaterThan(0);
  expect(fourTimes.hashed / once.hashed).toBeLessThan(4.4);
  expect(fourTimes.looked / once.looked).toBeLessThan(4.4);
});
