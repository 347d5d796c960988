import { describe, expect, test } from '@jest/globals';
import { type QueuedMessage, type StoredMessage, type Token } from '../../../../streams/index.js';
import { type Outbox, outbox } from '../../../../streams/client/send/outbox.js';

const token = (name: string) => name as Token;
const queued = (name: string): QueuedMessage => ({
  type: 'queued',
  lines: [`line ${name}`],
  token: token(name),
  bytes: name.length,
});
const stored = (name: string, position?: number): StoredMessage => ({
  ...queued(name),
  type: 'stored',
  position,
});

/** Sends what is pending over another connection. */
const resend = (box: Outbox): readonly Token[] => {
  box.onDisconnect();
  return box.takeUnsent();
};

/** An outbox with messages that were sent over this connection. */
const boxWith = (...names: string[]) => {
  const box = outbox();
  for (const name of names) box.add(queued(name), true);
  return box;
};

describe('echoes', () => {
  test('an echo confirms its token once', () => {
    const box = boxWith('a', 'b');
    expect(box.onEcho(token('a'), 7)).toStrictEqual([stored('a', 7)]);
    expect(box.onEcho(token('a'), 8)).toStrictEqual([]);
    expect(box.onEcho(token('b'), 9)).toStrictEqual([stored('b', 9)]);
  });

  test('an echo of a token of others confirms nothing, also after a gap', () => {
    const box = boxWith('a');
    expect(box.onEcho(token('x'), 7)).toStrictEqual([]);
    box.onGap();
    expect(box.onEcho(token('x'), 8)).toStrictEqual([]);
    expect(box.onEcho(token('a'), 9)).toStrictEqual([stored('a', 9)]);
  });

  test('a skipped echo stays missing without a gap', () => {
    const box = boxWith('a', 'b');
    expect(box.onEcho(token('b'), 7)).toStrictEqual([stored('b', 7)]);
    box.tryPing();
    expect(box.onPong()).toStrictEqual([]);
    expect(resend(box)).toStrictEqual(['a']);
  });

  test('an echo after a gap confirms earlier messages in order, without a position', () => {
    const box = boxWith('a', 'b');
    box.onGap();
    box.add(queued('c'), true);
    expect(box.onEcho(token('c'), 9)).toStrictEqual([stored('a'), stored('b'), stored('c', 9)]);
  });

  test('an echo does not confirm messages that were sent after the gap', () => {
    const box = boxWith('a');
    box.onGap();
    box.add(queued('b'), true);
    box.add(queued('c'), true);
    expect(box.onEcho(token('c'), 9)).toStrictEqual([stored('a'), stored('c', 9)]);
    expect(resend(box)).toStrictEqual(['b']);
  });

  test('an echo after a gap confirms no later message', () => {
    const box = boxWith('a', 'b');
    box.onGap();
    expect(box.onEcho(token('a'), 9)).toStrictEqual([stored('a', 9)]);
    expect(resend(box)).toStrictEqual(['b']);
  });

  test('an echo confirms no message that was not sent', () => {
    const box = outbox();
    box.add(queued('a'), false);
    box.onGap();
    box.add(queued('b'), true);
    expect(box.onEcho(token('b'), 9)).toStrictEqual([stored('b', 9)]);
    expect(resend(box)).toStrictEqual(['a']);
  });
});

describe('gaps in an outbox', () => {
  test('a gap leaves an uncertainty only when a message was sent over this connection', () => {
    const box = outbox();
    box.onGap();
    expect(box.isUncertain).toBe(false);
    box.add(queued('a'), false);
    box.onGap();
    expect(box.isUncertain).toBe(false);
    expect(boxWith('a').isUncertain).toBe(false);

    const sent = boxWith('a');
    sent.onGap();
    expect(sent.isUncertain).toBe(true);
    sent.onDisconnect();
    expect(sent.isUncertain).toBe(false);
  });

  test('a gap leaves no uncertainty when its messages are confirmed', () => {
    const box = boxWith('a');
    box.onGap();
    box.onEcho(token('a'), 5);
    expect(box.isUncertain).toBe(false);
  });
});

describe('the answer to a PING', () => {
  test('PONG confirms messages before the gap that were sent before PING', () => {
    const box = boxWith('a', 'b');
    box.onGap();
    expect(box.tryPing()).toBe(true);
    box.add(queued('c'), true);
    expect(box.onPong()).toStrictEqual([stored('a'), stored('b')]);
    expect(box.isUncertain).toBe(false);
    expect(box.onEcho(token('c'), 9)).toStrictEqual([stored('c', 9)]);
  });

  test('PONG confirms messages of a gap between PING and PONG', () => {
    const box = boxWith('a');
    box.tryPing();
    box.onGap();
    expect(box.onPong()).toStrictEqual([stored('a')]);
  });

  test('PONG confirms nothing without a gap', () => {
    const box = boxWith('a');
    box.tryPing();
    expect(box.onPong()).toStrictEqual([]);
    expect(box.onEcho(token('a'), 7)).toStrictEqual([stored('a', 7)]);
  });

  test('PONG confirms nothing that was sent after PING, which leads to another PING', () => {
    const box = boxWith('a');
    box.tryPing();
    box.add(queued('b'), true);
    box.onGap();
    expect(box.onPong()).toStrictEqual([stored('a')]);
    expect(box.isUncertain).toBe(true);
    expect(box.tryPing()).toBe(true);
    expect(box.onPong()).toStrictEqual([stored('b')]);
    expect(box.isUncertain).toBe(false);
  });

  test('no second PING is sent before the first PONG', () => {
    const box = outbox();
    expect(box.tryPing()).toBe(true);
    box.add(queued('a'), true);
    box.onGap();
    expect(box.tryPing()).toBe(false);
    expect(box.onPong()).toStrictEqual([]);
    expect(box.tryPing()).toBe(true);
    expect(box.tryPing()).toBe(false);
    expect(box.onPong()).toStrictEqual([stored('a')]);
  });

  test('PONG confirms a message once', () => {
    const box = boxWith('a', 'b');
    box.onGap();
    box.tryPing();
    expect(box.onEcho(token('b'), 5)).toStrictEqual([stored('a'), stored('b', 5)]);
    expect(box.onPong()).toStrictEqual([]);
    expect(box.onPong()).toStrictEqual([]);
  });

  test('PONG confirms no message that was sent over another connection', () => {
    const box = boxWith('a');
    box.onGap();
    box.onDisconnect();
    expect(box.tryPing()).toBe(true);
    expect(box.onPong()).toStrictEqual([]);
    expect(resend(box)).toStrictEqual(['a']);
  });

  test('PONG confirms no message that was resent after PING', () => {
    const box = boxWith('a');
    box.onDisconnect();
    box.tryPing();
    resend(box);
    box.onGap();
    expect(box.onPong()).toStrictEqual([]);
    expect(box.isUncertain).toBe(true);
  });
});

describe('another connection', () => {
  test('resend returns all pending tokens, oldest first', () => {
    const box = boxWith('a', 'b');
    box.onDisconnect();
    box.add(queued('c'), false);
    expect(resend(box)).toStrictEqual(['a', 'b', 'c']);
    box.onDisconnect();
    expect(resend(box)).toStrictEqual(['a', 'b', 'c']);
  });

  test('a message is not resent when its echo shows that it was stored', () => {
    const box = boxWith('a', 'b', 'c');
    box.onDisconnect();
    expect(box.onEcho(token('b'), 7)).toStrictEqual([stored('b', 7)]);
    expect(resend(box)).toStrictEqual(['a', 'c']);
  });

  test('a message is resent when a gap hides its echo', () => {
    const box = boxWith('a', 'b');
    box.onDisconnect();
    box.onGap();
    expect(box.isUncertain).toBe(false);
    expect(resend(box)).toStrictEqual(['a', 'b']);
    expect(box.isUncertain).toBe(false);
    expect(box.onEcho(token('b'), 9)).toStrictEqual([stored('b', 9)]);
    expect(resend(box)).toStrictEqual(['a']);
  });

  test('a later echo after a gap confirms an earlier message', () => {
    const box = boxWith('a', 'b', 'c');
    box.onDisconnect();
    box.onGap();
    expect(box.onEcho(token('b'), 9)).toStrictEqual([stored('a'), stored('b', 9)]);
    expect(resend(box)).toStrictEqual(['c']);
  });

  test('a later echo confirms a message that a gap of the previous connection may hide', () => {
    const box = boxWith('a', 'b');
    box.onGap();
    box.onDisconnect();
    expect(box.onEcho(token('b'), 9)).toStrictEqual([stored('a'), stored('b', 9)]);
  });

  test('a PING of the previous connection is not pending', () => {
    const box = boxWith('a');
    box.onGap();
    expect(box.tryPing()).toBe(true);
    box.onDisconnect();
    resend(box);
    box.onGap();
    expect(box.tryPing()).toBe(true);
    expect(box.onPong()).toStrictEqual([stored('a')]);
  });

  test('resend returns nothing when all is confirmed', () => {
    expect(resend(outbox())).toStrictEqual([]);
    const box = boxWith('a');
    box.onEcho(token('a'), 1);
    box.onDisconnect();
    expect(resend(box)).toStrictEqual([]);
  });
});

describe('messages of an earlier run', () => {
  test('messages of an earlier run are pending first, and not sent over this connection', () => {
    const box = outbox([queued('a'), queued('b')]);
    box.add(queued('c'), false);
    box.onGap();
    expect(box.isUncertain).toBe(false);
    box.tryPing();
    expect(box.onPong()).toStrictEqual([]);
    expect(resend(box)).toStrictEqual(['a', 'b', 'c']);
  });

  test('messages of an earlier run count as sent: an echo after a gap confirms them', () => {
    const box = outbox([queued('a'), queued('b')]);
    box.onGap();
    expect(box.onEcho(token('b'), 7)).toStrictEqual([stored('a'), stored('b', 7)]);
  });

  test('a message of an earlier run is confirmed by its echo, and its object is not changed', () => {
    const retained = [queued('a'), queued('b')];
    const box = outbox(retained);
    expect(box.onEcho(token('a'), 7)).toStrictEqual([stored('a', 7)]);
    box.add(queued('c'), false);
    expect(resend(box)).toStrictEqual(['b', 'c']);
    expect(retained).toStrictEqual([queued('a'), queued('b')]);
  });
});

describe('sealing again', () => {
  const again = ({ token: old }: QueuedMessage) => token(`${old}-2`);
  const resealed = (name: string): QueuedMessage => ({
    ...queued(name),
    token: token(`${name}-2`),
    bytes: name.length + 3,
  });

  test('each pending message gets another token, in order, and only that token confirms it', () => {
    const box = boxWith('a', 'b', 'c');
    box.onEcho(token('a'), 1);
    box.reseal(again);
    expect(box.takeUnsent()).toStrictEqual(['b-2', 'c-2']);
    expect(box.takeUnsent()).toStrictEqual([]);
    expect(box.onEcho(token('b'), 2)).toStrictEqual([]);
    expect(box.onEcho(token('c-2'), 3)).toStrictEqual([{ ...resealed('c'), type: 'stored', position: 3 }]);
    expect(resend(box)).toStrictEqual(['b-2']);
  });

  test('the number of stored messages continues', () => {
    const box = boxWith('a', 'b');
    box.onEcho(token('a'), 1);
    box.reseal(again);
    box.takeUnsent();
    expect(box.storedCount).toBe(1);
    box.onEcho(token('b-2'), 2);
    expect(box.storedCount).toBe(2);
  });

  test('a gap before says nothing about the new tokens, a gap after does', () => {
    const box = boxWith('a', 'b');
    box.onGap();
    box.reseal(again);
    box.takeUnsent();
    expect(box.isUncertain).toBe(false);
    expect(box.onEcho(token('b-2'), 9)).toStrictEqual([{ ...resealed('b'), type: 'stored', position: 9 }]);
    box.onGap();
    expect(box.isUncertain).toBe(true);
  });

  test('tokens that are not written yet need no PING', () => {
    const box = boxWith('a');
    box.reseal(again);
    box.onGap();
    expect(box.isUncertain).toBe(false);
    expect(resend(box)).toStrictEqual(['a-2']);
  });
});
