import { describe, expect, test } from '@jest/globals';
import type { SignedEnvelope } from '../../../../streams/client/envelope/envelope.js';
import type { ReadRange } from '../../../../streams/client/envelope/readRange.js';
import type { Comparison } from '../../../../streams/client/integrity/transcript.js';
import { auditor } from '../../../../streams/client/integrity/auditor.js';
import { ALICE, BOB, senderSessionOf, signedEnvelope } from '../../../support/envelopes.js';

const SEEN: ReadRange = { log: 'log', from: 3, to: 9, hash: 'x' };

/** An auditor of alice's messages. The test sets what was read here; the result is the alarms in words. */
const listener = (keep?: number) => {
  const read = {
    compared: 'same' as Comparison,
    gapCount: 1,
    connectionCount: 1,
    logEpoch: 1,
    lostFrom: undefined as number | undefined,
    isComplete: false,
    compare: () => read.compared,
    /** The positions up to which ancestors of the log reach, newest first. The ids of the logs are their ages. */
    ancestors: [] as number[],
    ageOf: (log: string) =>
      read.ancestors.length > 0 ? Number(log) || 0 : read.compared === 'other-log' ? undefined : 0,
    ageAt: (position: number) => read.ancestors.findLastIndex((n) => position <= n) + 1,
  };
  const audit = auditor({ key: ALICE.key, knownKeys: new Map([['bob', BOB.key]]) }, read, {
    ...(keep !== undefined && { maxSessions: keep }),
  });
  const receive = ({ position = 10, ...more }: Partial<SignedEnvelope> & { readonly position?: number }) => {
    const envelope = signedEnvelope({ nick: 'bob', key: BOB.key, ...more });
    const { isDuplicate, findings } = audit({ position, envelope, contentId: envelope.signature });
    return [
      ...findings.map((each) => (each.type === 'alarm' ? each.reason : each.type)),
      ...(isDuplicate ? ['repeated'] : []),
    ].join(' ');
  };
  return { read, receive };
};

describe('the auditor', () => {
  test('the auditor reports a repeated envelope as a duplicate, and as replayed when its sender had a receipt', () => {
    const { receive } = listener();
    expect(receive({ counter: 1 })).toBe('');
    expect(receive({ counter: 1 })).toBe('repeated');
    expect(receive({ counter: 2, stored: 1, seen: SEEN })).toBe('');
    expect(receive({ counter: 1 })).toBe('replayed repeated');
    expect(receive({ counter: 2, stored: 1, seen: SEEN })).toBe('repeated');
  });

  test('the auditor reports a reused counter, and the message is shown', () => {
    const { receive } = listener();
    receive({ counter: 1 });
    expect(receive({ counter: 1, signature: 'another' })).toBe('counter-reused');
    expect(receive({ counter: 1, signature: 'another' })).toBe('repeated');
  });

  test('the auditor excuses a hole after a gap, once per session', () => {
    const { read, receive } = listener();
    receive({ counter: 1 });
    receive({ session: senderSessionOf(9), counter: 1 });
    read.gapCount += 1;
    expect(receive({ counter: 3 })).toBe('');
    expect(receive({ counter: 5 })).toBe('hole');
    expect(receive({ session: senderSessionOf(9), counter: 3 })).toBe('');
  });

  test('the auditor reports a missing message without a receipt when the log was read from its beginning', () => {
    const { read, receive } = listener();
    expect(receive({ counter: 3, stored: 1, seen: SEEN })).toBe('');
    read.isComplete = true;
    expect(receive({ session: senderSessionOf(8), counter: 3, stored: 2, seen: SEEN })).toBe('');
    expect(receive({ session: senderSessionOf(9), counter: 3, stored: 1 })).toBe('seen-missing');
    expect(receive({ session: senderSessionOf(9), counter: 4, stored: 1, seen: SEEN })).toBe('hole');
    expect(receive({ session: senderSessionOf(9), counter: 5, stored: 1, seen: SEEN })).toBe('');
    read.compared = 'other-log';
    expect(receive({ session: senderSessionOf(10), counter: 3, stored: 1, seen: SEEN })).toBe('');
  });

  test('the auditor reports a fork once, until the sender agrees again', () => {
    const { read, receive } = listener();
    read.compared = 'other';
    expect(receive({ counter: 1, seen: SEEN })).toBe('forked');
    expect(receive({ counter: 2, seen: SEEN })).toBe('');
    read.compared = 'same';
    receive({ counter: 3, seen: SEEN });
    read.compared = 'other';
    expect(receive({ counter: 4, seen: SEEN })).toBe('forked');
    expect(receive({ session: senderSessionOf(9), counter: 1, seen: SEEN })).toBe('forked');
  });

  test('the auditor excuses another log when the sender may not have joined this one', () => {
    const { read, receive } = listener();
    read.compared = 'other-log';
    expect(receive({ counter: 4, stored: 3, seen: SEEN })).toBe('');
    expect(receive({ counter: 5, stored: 3, seen: SEEN })).toBe('');
    // Its fourth message is in this log, and it has the receipt from this log.
    expect(receive({ counter: 6, stored: 4, seen: SEEN })).toBe('forked');

    const other = listener();
    other.receive({ counter: 1, seen: SEEN });
    other.read.compared = 'other-log';
    expect(other.receive({ counter: 2, seen: SEEN })).toBe('forked');
    other.read.logEpoch += 1;
    expect(other.receive({ counter: 3, seen: SEEN })).toBe('');
  });

  test('the auditor excuses messages that a log has again after its end was lost, once and in their order', () => {
    const { read, receive } = listener();
    const counters = Array.from({ length: 200 }, (_, n) => n + 1);
    for (const counter of counters) receive({ counter, stored: counter - 1, seen: SEEN });
    Object.assign(read, { logEpoch: 2, connectionCount: 2, gapCount: 2, lostFrom: 9 });
    for (const counter of counters.slice(0, 150))
      expect(receive({ counter, stored: counter - 1, seen: SEEN })).toBe('repeated');
    expect(receive({ counter: 150, stored: 149, seen: SEEN })).toBe('replayed repeated');
    // Sealed before the loss, and sent again after it.
    read.compared = 'other';
    expect(receive({ counter: 201, stored: 200, seen: SEEN })).toBe('');
    expect(receive({ counter: 202, stored: 201, seen: SEEN })).toBe('forked');
  });

  test('the auditor excuses a range of the lost end of a log when it was read before the loss', () => {
    const { read, receive } = listener();
    read.lostFrom = 9;
    read.compared = 'other';
    expect(receive({ counter: 1, seen: SEEN })).toBe('');
    expect(receive({ counter: 2, stored: 1, seen: SEEN })).toBe('forked');
    const next = listener();
    next.read.lostFrom = 10;
    next.read.compared = 'other';
    expect(next.receive({ counter: 1, seen: SEEN })).toBe('forked');
  });

  test('the auditor reports new and changed keys, except its own', () => {
    const { receive } = listener();
    expect(receive({ nick: 'carol', counter: 1 })).toBe('first-seen');
    expect(receive({ nick: 'bob', key: senderSessionOf(3), counter: 1 })).toBe('key-changed');
    expect(receive({ nick: 'bob', key: ALICE.key, counter: 1 })).toBe('');
  });

  test('the auditor recognizes duplicates when it has evicted their session', () => {
    const { receive } = listener(1);
    receive({ counter: 1 });
    receive({ session: senderSessionOf(9), counter: 1 });
    expect(receive({ counter: 1 })).toBe('repeated');
    receive({ session: senderSessionOf(9), counter: 2 });
    expect(receive({ counter: 1, signature: 'another' })).toBe('counter-reused');
  });

  test('the auditor reports a third copy over one connection as replayed', () => {
    const { read, receive } = listener();
    expect([1, 2, 3].map(() => receive({ counter: 1 }))).toStrictEqual(['', 'repeated', 'replayed repeated']);
    // Over another connection it is a legitimate repeat.
    read.connectionCount += 1;
    expect(receive({ counter: 1 })).toBe('repeated');
  });

  test('the auditor reports many duplicates in a row as replayed, unless the connection changed', () => {
    const { receive } = listener();
    const all = Array.from({ length: 200 }, (_, n) => n + 1);
    const replayed = () => all.filter((counter) => receive({ counter }).includes('replayed')).length;
    expect(replayed()).toBe(0);
    expect(replayed()).toBe(1);
    const other = listener();
    for (const counter of all) other.receive({ counter });
    for (const counter of all) {
      if (counter === 100) other.read.connectionCount += 1;
      expect(other.receive({ counter })).toBe('repeated');
    }
  });

  test('the auditor reports once that a sender omits its range', () => {
    const { receive } = listener();
    expect(receive({ counter: 1 })).toBe('');
    expect(receive({ counter: 2, seen: SEEN })).toBe('');
    expect(receive({ counter: 3 })).toBe('seen-missing');
    expect(receive({ counter: 4 })).toBe('');
    expect(receive({ counter: 5, stored: 4, seen: SEEN })).toBe('');
    expect(receive({ counter: 6, stored: 4 })).toBe('seen-missing');
    expect(receive({ session: senderSessionOf(9), counter: 2, stored: 1 })).toBe('seen-missing');
  });

  test('the auditor remembers the 256 newest sessions of a known key', () => {
    const { receive } = listener();
    for (let n = 0; n < 256; n += 1) receive({ session: `session ${n}`, counter: 1 });
    expect(receive({ session: 'session 0', counter: 3 })).toBe('hole');
    for (let n = 256; n < 1024; n += 1) receive({ session: `session ${n}`, counter: 1 });
    expect(receive({ session: 'session 0', counter: 5 })).toBe('');
  });

  test('a key with many sessions evicts only its own', () => {
    const { receive } = listener();
    const stranger = { nick: 'carol', key: senderSessionOf(3) };
    receive({ counter: 1 });
    receive({ ...stranger, counter: 1 });
    const flood = { nick: 'mallory', key: senderSessionOf(4) };
    for (let n = 0; n < 9000; n += 1) receive({ ...flood, session: `session ${n}`, counter: 1 });
    expect(receive({ counter: 1 })).toBe('repeated');
    expect(receive({ ...stranger, counter: 1 })).toBe('repeated');
    expect(receive({ ...flood, session: 'session 8999', counter: 1 })).toBe('repeated');
    expect(receive({ ...flood, session: 'session 0', counter: 1 })).toBe('');
    // Many keys evict those of strangers, but no known key.
    for (let n = 0; n < 2000; n += 1) receive({ nick: `m${n}`, key: `key ${n}`, counter: 1 });
    expect(receive({ counter: 1 })).toContain('repeated');
    expect(receive({ ...stranger, counter: 1 })).toBe('');
  });
});

describe('the auditor of a log that continues others', () => {
  /** A range of the log of an age. */
  const seenIn = (age: number): ReadRange => ({ ...SEEN, log: `${age}` });

  test('the auditor excuses a message of the ancestor that was sent again, and not the next one', () => {
    const { read, receive } = listener();
    read.ancestors = [9];
    expect(receive({ position: 3, counter: 1, seen: seenIn(1) })).toBe('');
    expect(receive({ position: 5, counter: 2, stored: 1, seen: seenIn(1) })).toBe('');
    // Its range goes beyond the common entries: the sender had no receipt for it when the log was restored.
    read.compared = 'other-log';
    read.gapCount += 1;
    expect(receive({ position: 10, counter: 7, stored: 6, seen: seenIn(1) })).toBe('');
    expect(receive({ position: 11, counter: 8, stored: 6, seen: seenIn(1) })).toBe('');
    // With the receipt for its seventh message, the sender has read the present log.
    expect(receive({ position: 12, counter: 9, stored: 7, seen: seenIn(1) })).toBe('forked');
  });

  test('the auditor reports a message of the ancestor once its sender has read the present log', () => {
    const { read, receive } = listener();
    read.ancestors = [9];
    receive({ position: 10, counter: 7, stored: 6, seen: seenIn(0) });
    read.compared = 'other-log';
    expect(receive({ position: 11, counter: 8, stored: 6, seen: seenIn(1) })).toBe('forked');
  });

  test('the auditor excuses one message of a sender, however many ancestors a relay invents', () => {
    const { read, receive } = listener();
    read.ancestors = [17, 16, 15, 14, 13, 12, 11, 10];
    read.compared = 'other-log';
    const reports = [11, 12, 13, 14, 15, 16, 17, 18].map((position, index) =>
      receive({ position, counter: index + 1, stored: index, seen: seenIn(8) }),
    );
    expect(reports).toStrictEqual(['', 'forked', ...Array.from({ length: 6 }, () => '')]);
  });

  test('the auditor excuses a log between the ancestor and the present one, which the store has forgotten', () => {
    const { read, receive } = listener();
    read.ancestors = [9];
    expect(receive({ position: 3, counter: 1, seen: seenIn(1) })).toBe('');
    read.compared = 'other-log';
    read.gapCount += 1;
    const unknown = { ...SEEN, log: 'forgotten' };
    read.ageOf = () => undefined;
    expect(receive({ position: 10, counter: 4, stored: 3, seen: unknown })).toBe('');
    expect(receive({ position: 11, counter: 5, stored: 4, seen: unknown })).toBe('forked');
  });

  test('the auditor misses no message that the sender sent to the ancestor only', () => {
    const { read, receive } = listener();
    Object.assign(read, { ancestors: [9], isComplete: true });
    expect(receive({ position: 3, counter: 1, seen: seenIn(1) })).toBe('');
    read.gapCount += 1;
    expect(receive({ position: 10, counter: 3, stored: 1, seen: seenIn(1) })).toBe('');
    const other = { session: senderSessionOf(9) };
    expect(receive({ ...other, position: 11, counter: 3, stored: 1, seen: seenIn(0) })).toBe('hole');
  });
});
