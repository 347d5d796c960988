import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { trackReceipts } from '../../../../src/cli/shared/receipts.js';
import type { Token } from '../../../../streams/client/envelope/cipher.js';
import type { ClientEvent } from '../../../../streams/client/clientEvent.js';

const sentBy = (...lines: string[]): ClientEvent => ({
  type: 'queued',
  lines,
  token: lines.join() as Token,
  bytes: 100 * lines.length,
});
const stored = (position: number | undefined, ...lines: string[]): ClientEvent => ({
  type: 'stored',
  position,
  lines,
  token: lines.join() as Token,
  bytes: 100 * lines.length,
});
const sentAll: ClientEvent = { type: 'input-complete' };

const after = (...events: ClientEvent[]) => {
  const account = trackReceipts();
  for (const each of events) account.update(each);
  return account;
};

describe('receipts', () => {
  test('begin with nothing sent, which is not everything', () => {
    expect({ ...after() }).toMatchObject({ sent: 0, stored: 0, pending: [], pendingBytes: 0, isDone: false });
    expect(after().isInputComplete).toBe(false);
  });

  test('count lines in any division into tokens', () => {
    const account = after(sentBy('a'), sentBy('b', 'c', 'd'), stored(4, 'a'), sentBy('e'));
    expect(account.sent).toBe(5);
    expect(account.stored).toBe(1);
    expect(account.pending).toStrictEqual(['b', 'c', 'd', 'e']);
    expect(account.pendingBytes).toBe(400);
  });

  test('move stored tokens from pending, oldest first, with or without a position', () => {
    const account = after(sentBy('a'), sentBy('b'), stored(undefined, 'a'), stored(7, 'b'));
    expect(account.pending).toStrictEqual([]);
    expect(account.pendingBytes).toBe(0);
    expect(account.stored).toBe(2);
  });

  test('are complete once everything is sent and stored, in either order', () => {
    expect(after(sentAll).isDone).toBe(true);
    expect(after(sentBy('a'), sentAll).isDone).toBe(false);
    expect(after(sentBy('a'), stored(1, 'a')).isDone).toBe(false);
    expect(after(sentBy('a'), sentAll, stored(1, 'a')).isDone).toBe(true);
    expect(after(sentBy('a'), stored(1, 'a'), sentAll).isDone).toBe(true);
  });

  test('count damaged input lines', () => {
    expect(after(sentBy('fine')).hasReplacements).toBe(false);
    expect(after(sentBy('fine', 'bro\ufffdken'), sentBy('fine')).hasReplacements).toBe(true);
  });

  test('ignore all other events', () => {
    const others: ClientEvent[] = [
      { type: 'joined', position: 1, nicks: ['alice'], count: 1 },
      { type: 'left', position: 2, nicks: ['alice'], count: 1 },
      { type: 'message', position: 3, index: 0, nick: 'bob', key: 'K', time: 0, text: 'a', own: true },
      { type: 'undecryptable', position: 4, reason: 'malformed' },
      { type: 'gap', from: 5, to: 6 },
      { type: 'bye', reason: 'shutdown', retryMs: 0 },
      { type: 'duplicate', position: 7 },
      { type: 'log-changed', log: 'other' },
      { type: 'offline', reason: 'reset', retryMs: 500, attempt: 1 },
    ];
    const account = after(sentBy('a'), ...others);
    expect(account.pending).toStrictEqual(['a']);
    expect(account.stored).toBe(0);
    expect(account.isInputComplete).toBe(false);
  });

  test('keep the sum of stored and pending lines equal to the sent lines', () => {
    const token = fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(token), fc.infiniteStream(fc.boolean()), (tokens, choices) => {
        const account = trackReceipts();
        const waiting: string[][] = [];
        const storeOldest = () => {
          const lines = waiting.shift();
          if (lines !== undefined) account.update(stored(1, ...lines));
        };
        const check = () => {
          expect(account.stored + account.pending.length).toBe(account.sent);
          expect(account.pending).toStrictEqual(waiting.flat());
          expect(account.pendingBytes).toBe(100 * waiting.flat().length);
        };
        for (const lines of tokens) {
          waiting.push(lines);
          account.update(sentBy(...lines));
          check();
          if (choices.next().value === true) storeOldest();
          check();
        }
        account.update(sentAll);
        expect(account.isDone).toBe(waiting.length === 0);
        while (waiting.length > 0) storeOldest();
        expect(account.isDone).toBe(true);
        expect(account.stored).toBe(tokens.flat().length);
      }),
    );
  });
});
