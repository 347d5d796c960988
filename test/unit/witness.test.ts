import { describe, expect, test } from '@jest/globals';
import type { Token } from '../../streams/client/cipher.js';
import type { SignedEnvelope } from '../../streams/client/envelope.js';
import type { Seen } from '../../streams/client/seen.js';
import type { Comparison } from '../../streams/client/transcript.js';
import { witness } from '../../streams/client/witness.js';
import { ALICE, BOB, runOf, signed } from '../support/people.js';

const SEEN: Seen = { log: 'log', from: 3, to: 9, hash: 'x' };

/** A witness of alice's, who has read what the test says; what it noticed is told in words. */
const listener = (keep?: number) => {
  const read = {
    compared: 'same' as Comparison,
    breaks: 1,
    connections: 1,
    logs: 1,
    lost: undefined as number | undefined,
    isWhole: false,
    compare: () => read.compared,
  };
  const judge = witness({ key: ALICE.key, known: new Map([['bob', BOB.key]]) }, read, {
    ...(keep !== undefined && { keep }),
  });
  const hear = (more: Partial<SignedEnvelope>) => {
    const envelope = signed({ nick: 'bob', key: BOB.key, ...more });
    const { repeated, noticed } = judge({ type: 'opened', position: 10, token: 'x' as Token, envelope });
    return [
      ...noticed.map((each) => (each.type === 'alarm' ? each.reason : each.type)),
      ...(repeated ? ['repeated'] : []),
    ].join(' ');
  };
  return { read, hear };
};

describe('a witness', () => {
  test('takes the same envelope again for a repeat, and for a lie once its sender had a receipt', () => {
    const { hear } = listener();
    expect(hear({ counter: 1 })).toBe('');
    expect(hear({ counter: 1 })).toBe('repeated');
    expect(hear({ counter: 2, stored: 1, seen: SEEN })).toBe('');
    expect(hear({ counter: 1 })).toBe('replayed repeated');
    expect(hear({ counter: 2, stored: 1, seen: SEEN })).toBe('repeated');
  });

  test('takes another one of the same number for a lie, and it is heard', () => {
    const { hear } = listener();
    hear({ counter: 1 });
    expect(hear({ counter: 1, signature: 'another' })).toBe('counter-reused');
    expect(hear({ counter: 1, signature: 'another' })).toBe('repeated');
  });

  test('excuses a hole where there was a break, for each session once', () => {
    const { read, hear } = listener();
    hear({ counter: 1 });
    hear({ session: runOf(9), counter: 1 });
    read.breaks += 1;
    expect(hear({ counter: 3 })).toBe('');
    expect(hear({ counter: 5 })).toBe('hole');
    expect(hear({ session: runOf(9), counter: 3 })).toBe('');
  });

  test('misses what the sender had no receipt for, in a log that was read from its beginning', () => {
    const { read, hear } = listener();
    expect(hear({ counter: 3, stored: 1, seen: SEEN })).toBe('');
    read.isWhole = true;
    expect(hear({ session: runOf(8), counter: 3, stored: 2, seen: SEEN })).toBe('');
    expect(hear({ session: runOf(9), counter: 3, stored: 1 })).toBe('seen-missing');
    expect(hear({ session: runOf(9), counter: 4, stored: 1, seen: SEEN })).toBe('hole');
    expect(hear({ session: runOf(9), counter: 5, stored: 1, seen: SEEN })).toBe('');
    read.compared = 'other-log';
    expect(hear({ session: runOf(10), counter: 3, stored: 1, seen: SEEN })).toBe('');
  });

  test('tells once that a sender has read something else, until it agrees again', () => {
    const { read, hear } = listener();
    read.compared = 'other';
    expect(hear({ counter: 1, seen: SEEN })).toBe('forked');
    expect(hear({ counter: 2, seen: SEEN })).toBe('');
    read.compared = 'same';
    hear({ counter: 3, seen: SEEN });
    read.compared = 'other';
    expect(hear({ counter: 4, seen: SEEN })).toBe('forked');
    expect(hear({ session: runOf(9), counter: 1, seen: SEEN })).toBe('forked');
  });

  test('excuses another log as long as the sender may not have come to this one', () => {
    const { read, hear } = listener();
    read.compared = 'other-log';
    expect(hear({ counter: 4, stored: 3, seen: SEEN })).toBe('');
    expect(hear({ counter: 5, stored: 3, seen: SEEN })).toBe('');
    // Its fourth stands here, and it has the receipt of it from there.
    expect(hear({ counter: 6, stored: 4, seen: SEEN })).toBe('forked');

    const other = listener();
    other.hear({ counter: 1, seen: SEEN });
    other.read.compared = 'other-log';
    expect(other.hear({ counter: 2, seen: SEEN })).toBe('forked');
    other.read.logs += 1;
    expect(other.hear({ counter: 3, seen: SEEN })).toBe('');
  });

  test('excuses what was read of an end that the log has lost, as long as it was read before', () => {
    const { read, hear } = listener();
    read.lost = 9;
    read.compared = 'other';
    expect(hear({ counter: 1, seen: SEEN })).toBe('');
    expect(hear({ counter: 2, stored: 1, seen: SEEN })).toBe('forked');
    const later = listener();
    later.read.lost = 10;
    later.read.compared = 'other';
    expect(later.hear({ counter: 1, seen: SEEN })).toBe('forked');
  });

  test('tells of keys, but not of one’s own', () => {
    const { hear } = listener();
    expect(hear({ nick: 'carol', counter: 1 })).toBe('first-sight');
    expect(hear({ nick: 'bob', key: runOf(3), counter: 1 })).toBe('key-changed');
    expect(hear({ nick: 'bob', key: ALICE.key, counter: 1 })).toBe('');
  });

  test('knows what came before though the session is forgotten', () => {
    const { hear } = listener(1);
    hear({ counter: 1 });
    hear({ session: runOf(9), counter: 1 });
    expect(hear({ counter: 1 })).toBe('repeated');
    hear({ session: runOf(9), counter: 2 });
    expect(hear({ counter: 1, signature: 'another' })).toBe('counter-reused');
  });

  test('takes an envelope that comes a third time over one connection for a lie', () => {
    const { read, hear } = listener();
    expect([1, 2, 3].map(() => hear({ counter: 1 }))).toStrictEqual(['', 'repeated', 'replayed repeated']);
    // Over another connection it is another time.
    read.connections += 1;
    expect(hear({ counter: 1 })).toBe('repeated');
  });

  test('takes many in a row that came before for a lie, unless the connection is another one', () => {
    const { hear } = listener();
    const all = Array.from({ length: 200 }, (_, n) => n + 1);
    const replayed = () => all.filter((counter) => hear({ counter }).includes('replayed')).length;
    expect(replayed()).toBe(0);
    expect(replayed()).toBe(1);
    const other = listener();
    for (const counter of all) other.hear({ counter });
    for (const counter of all) {
      if (counter === 100) other.read.connections += 1;
      expect(other.hear({ counter })).toBe('repeated');
    }
  });

  test('tells once that a sender does not say what it has read though it must have read something', () => {
    const { hear } = listener();
    expect(hear({ counter: 1 })).toBe('');
    expect(hear({ counter: 2, seen: SEEN })).toBe('');
    expect(hear({ counter: 3 })).toBe('seen-missing');
    expect(hear({ counter: 4 })).toBe('');
    expect(hear({ counter: 5, stored: 4, seen: SEEN })).toBe('');
    expect(hear({ counter: 6, stored: 4 })).toBe('seen-missing');
    expect(hear({ session: runOf(9), counter: 2, stored: 1 })).toBe('seen-missing');
  });

  test('remembers 256 sessions of a key that was known, those that said something last', () => {
    const { hear } = listener();
    for (let n = 0; n < 256; n += 1) hear({ session: `session ${n}`, counter: 1 });
    expect(hear({ session: 'session 0', counter: 3 })).toBe('hole');
    for (let n = 256; n < 1024; n += 1) hear({ session: `session ${n}`, counter: 1 });
    expect(hear({ session: 'session 0', counter: 5 })).toBe('');
  });

  test('a key that says much pushes out what it said itself, and nothing of others', () => {
    const { hear } = listener();
    const stranger = { nick: 'carol', key: runOf(3) };
    hear({ counter: 1 });
    hear({ ...stranger, counter: 1 });
    const flood = { nick: 'mallory', key: runOf(4) };
    for (let n = 0; n < 9000; n += 1) hear({ ...flood, session: `session ${n}`, counter: 1 });
    expect(hear({ counter: 1 })).toBe('repeated');
    expect(hear({ ...stranger, counter: 1 })).toBe('repeated');
    expect(hear({ ...flood, session: 'session 8999', counter: 1 })).toBe('repeated');
    expect(hear({ ...flood, session: 'session 0', counter: 1 })).toBe('');
    // Many keys push out those of strangers, and no key that was known.
    for (let n = 0; n < 2000; n += 1) hear({ nick: `m${n}`, key: `key ${n}`, counter: 1 });
    expect(hear({ counter: 1 })).toContain('repeated');
    expect(hear({ ...stranger, counter: 1 })).toBe('');
  });
});
