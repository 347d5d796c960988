import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { receipts } from '../../src/cli/receipts.js';
import type { Token } from '../../streams/client/cipher.js';
import type { Heard } from '../../streams/client/conversation.js';

const said = (...lines: string[]): Heard => ({
  type: 'said',
  lines,
  token: lines.join() as Token,
  bytes: 100 * lines.length,
});
const stored = (position: number | undefined, ...lines: string[]): Heard => ({
  type: 'stored',
  position,
  lines,
  token: lines.join() as Token,
  bytes: 100 * lines.length,
});
const saidAll: Heard = { type: 'said-all' };

const after = (...heard: Heard[]) => {
  const account = receipts();
  for (const each of heard) account.take(each);
  return account;
};

describe('receipts', () => {
  test('begin with nothing said, which is not all', () => {
    expect({ ...after() }).toMatchObject({ said: 0, stored: 0, pending: [], pendingBytes: 0, done: false });
    expect(after().saidAll).toBe(false);
  });

  test('count lines, whatever tokens they went out in', () => {
    const account = after(said('a'), said('b', 'c', 'd'), stored(4, 'a'), said('e'));
    expect(account.said).toBe(5);
    expect(account.stored).toBe(1);
    expect(account.pending).toStrictEqual(['b', 'c', 'd', 'e']);
    expect(account.pendingBytes).toBe(400);
  });

  test('what is stored is taken from what is pending, oldest first, with or without a place', () => {
    const account = after(said('a'), said('b'), stored(undefined, 'a'), stored(7, 'b'));
    expect(account.pending).toStrictEqual([]);
    expect(account.pendingBytes).toBe(0);
    expect(account.stored).toBe(2);
  });

  test('are done once all is said and all of it stored, whichever comes last', () => {
    expect(after(saidAll).done).toBe(true);
    expect(after(said('a'), saidAll).done).toBe(false);
    expect(after(said('a'), stored(1, 'a')).done).toBe(false);
    expect(after(said('a'), saidAll, stored(1, 'a')).done).toBe(true);
    expect(after(said('a'), stored(1, 'a'), saidAll).done).toBe(true);
  });

  test('note what was damaged on its way in', () => {
    expect(after(said('fine')).damaged).toBe(false);
    expect(after(said('fine', 'bro\ufffdken'), said('fine')).damaged).toBe(true);
  });

  test('nothing else that is heard changes them', () => {
    const others: Heard[] = [
      { type: 'joined', position: 1, nicks: ['alice'], count: 1 },
      { type: 'left', position: 2, nicks: ['alice'], count: 1 },
      { type: 'message', position: 3, index: 0, nick: 'bob', key: 'K', time: 0, text: 'a', own: true },
      { type: 'undecryptable', position: 4, reason: 'malformed' },
      { type: 'gap', from: 5, to: 6 },
      { type: 'bye', reason: 'shutdown', retryMs: 0 },
      { type: 'repeated', position: 7 },
      { type: 'log-changed', log: 'other' },
      { type: 'offline', reason: 'reset', retryMs: 500, attempt: 1 },
    ];
    const account = after(said('a'), ...others);
    expect(account.pending).toStrictEqual(['a']);
    expect(account.stored).toBe(0);
    expect(account.saidAll).toBe(false);
  });

  test('said is always stored and pending together', () => {
    const token = fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(token), fc.infiniteStream(fc.boolean()), (tokens, choices) => {
        const account = receipts();
        const waiting: string[][] = [];
        const storeOldest = () => {
          const lines = waiting.shift();
          if (lines !== undefined) account.take(stored(1, ...lines));
        };
        const check = () => {
          expect(account.stored + account.pending.length).toBe(account.said);
          expect(account.pending).toStrictEqual(waiting.flat());
          expect(account.pendingBytes).toBe(100 * waiting.flat().length);
        };
        for (const lines of tokens) {
          waiting.push(lines);
          account.take(said(...lines));
          check();
          if (choices.next().value === true) storeOldest();
          check();
        }
        account.take(saidAll);
        expect(account.done).toBe(waiting.length === 0);
        while (waiting.length > 0) storeOldest();
        expect(account.done).toBe(true);
        expect(account.stored).toBe(tokens.flat().length);
      }),
    );
  });
});
