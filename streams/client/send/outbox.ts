import type { Token } from '../envelope/cipher.js';
import type { Act } from '../envelope/envelope.js';
import type { MessageContent } from '../envelope/messageContent.js';
import type { SealedMessage } from './seal.js';

/** A message of this client that was sealed into a token and has no receipt yet. */
export interface QueuedMessage {
  readonly type: 'queued';
  readonly lines: readonly string[];
  readonly act?: Act | undefined;
  readonly token: Token;
  /** The size of the token and its newline, in bytes. */
  readonly bytes: number;
  /** In a group room: what is sealed again when the keys change before the receipt. */
  readonly content?: MessageContent | undefined;
}

/** A message of this client that is in the log of the room. The echo of its token is the receipt. */
export interface StoredMessage {
  readonly type: 'stored';
  /** The position of the echo, or `undefined` if a gap hid the echo. */
  readonly position: number | undefined;
  readonly lines: readonly string[];
  readonly act?: Act | undefined;
  readonly token: Token;
  readonly bytes: number;
}

/**
 * `offline` without a connection. `waiting` while the client reads to where the log ended at the join, and while it pauses
 * its tokens. `ready` when it writes tokens.
 */
export type WritePhase = 'offline' | 'waiting' | 'ready';

/** The messages that have no receipt yet, over all connections. */
export interface Outbox {
  /** Adds a message. `isSent` tells whether its token is written at once. */
  add(message: QueuedMessage, isSent: boolean): void;
  /** Marks the messages that were not sent over this connection as sent. Returns their tokens, oldest first. */
  takeUnsent(): readonly Token[];
  /**
   * Gives each pending message another token, since the keys of the room changed and its present token is void.
   *
   * The new tokens are unsent.
   */
  reseal(toToken: (message: QueuedMessage) => Token): void;
  /** Handles a token of the log. Returns the messages that are stored now. */
  onEcho(token: Token, position: number): StoredMessage[];
  /** Handles a gap, which may hide echoes. */
  onGap(): void;
  /** Whether a `PING` would settle messages whose echo a gap may hide. */
  readonly isUncertain: boolean;
  /** Returns whether a `PING` may be sent now. Only one is pending at a time, as answers are not numbered. */
  tryPing(): boolean;
  /** Handles the answer to a `PING`. Returns the messages that are stored now. */
  onPong(): StoredMessage[];
  /** Handles the end of the connection. The pending `PING` gets no answer. */
  onDisconnect(): void;
  /** How many messages have a receipt, up to the first without. */
  readonly storedCount: number;
}

/** Creates the message that waits for its receipt. */
export const toQueued = ({ token, lines, act }: SealedMessage, content?: MessageContent): QueuedMessage => ({
  type: 'queued',
  lines,
  ...(act && { act }),
  token,
  bytes: token.length + 1,
  ...(content && { content }),
});

interface PendingMessage {
  readonly message: QueuedMessage;
  /** Counts the messages from 1. Messages of an earlier run have 0. */
  readonly number: number;
  /** The token was written to this connection. */
  isSentHere: boolean;
  /** The token was written to this connection or an earlier one. */
  isSent: boolean;
  /** A gap followed, which may hide the echo. */
  isMaybeLost: boolean;
  /** The token was written before the pending `PING`. */
  isPinged: boolean;
}

/**
 * Keeps the messages without a receipt, oldest first, and matches receipts with them.
 *
 * The echo of a token is the receipt of its message. A relay handles the lines of a connection in order. So the echo of a
 * later token or the `PONG` to a later `PING` also confirms the messages whose echo a gap may hide. Without a gap, a
 * skipped echo means a missing message.
 *
 * Over the next connection the client reads the log to its end, then resends the same tokens in the same order. A
 * message is in the log twice only if a gap hid its echo.
 */
export const outbox = (earlier: readonly QueuedMessage[] = []): Outbox => {
  const newEntry = (message: QueuedMessage, number: number, isSent: boolean): PendingMessage => ({
    message,
    number,
    isSent,
    isSentHere: isSent,
    isMaybeLost: false,
    isPinged: false,
  });
  let pending = earlier.map((message): PendingMessage => ({
    ...newEntry(message, 0, true),
    isSentHere: false,
  }));
  let addedCount = 0;
  let isPingPending = false;

  const settle = (
    isSettled: (entry: PendingMessage, index: number) => boolean,
    echo?: { readonly token: Token; readonly position: number },
  ): StoredMessage[] => {
    const stored = pending.filter(isSettled).map(({ message }): StoredMessage => ({
      ...message,
      type: 'stored',
      position: message.token === echo?.token ? echo.position : undefined,
    }));
    if (stored.length > 0) pending = pending.filter((entry, index) => !isSettled(entry, index));
    return stored;
  };

  return {
    add: (message, isSent) => {
      addedCount += 1;
      pending.push(newEntry(message, addedCount, isSent));
    },
    takeUnsent: () => {
      const unsent = pending.filter(({ isSentHere }) => !isSentHere);
      pending = pending.map((entry) =>
        entry.isSentHere ? entry : newEntry(entry.message, entry.number, true),
      );
      return unsent.map(({ message }) => message.token);
    },
    reseal: (toToken) => {
      pending = pending.map(({ message, number }) => {
        const token = toToken(message);
        return newEntry({ ...message, token, bytes: token.length + 1 }, number, false);
      });
    },
    onEcho: (token, position) => {
      const echoed = pending.findIndex(({ message }) => message.token === token);
      return settle((entry, index) => index === echoed || (index < echoed && entry.isMaybeLost), {
        token,
        position,
      });
    },
    onGap: () => {
      for (const entry of pending) entry.isMaybeLost ||= entry.isSent;
    },
    get isUncertain() {
      return pending.some(({ isSentHere, isMaybeLost }) => isSentHere && isMaybeLost);
    },
    tryPing: () => {
      if (isPingPending) return false;
      for (const entry of pending) entry.isPinged = entry.isSentHere;
      return (isPingPending = true);
    },
    onPong: () => {
      isPingPending = false;
      return settle(({ isPinged, isMaybeLost }) => isPinged && isMaybeLost);
    },
    onDisconnect: () => {
      isPingPending = false;
      for (const entry of pending) {
        entry.isSentHere = false;
        entry.isPinged = false;
      }
    },
    get storedCount() {
      const first = pending.find(({ number }) => number > 0);
      return first === undefined ? addedCount : first.number - 1;
    },
  };
};
