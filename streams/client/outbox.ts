import type { Token } from './cipher.js';
import type { Act } from './envelope.js';

/** Lines of ours were sealed into one token, which takes `bytes` bytes on the wire; they are pending. */
export interface Said {
  readonly type: 'said';
  readonly lines: readonly string[];
  readonly act?: Act | undefined;
  readonly token: Token;
  readonly bytes: number;
}

/**
 * Lines of ours are in the room's log, in the order in which they were said. The receipt is the echo, whose place is
 * `position`; `undefined` where a gap swallowed the echo.
 */
export interface Stored {
  readonly type: 'stored';
  readonly position: number | undefined;
  readonly lines: readonly string[];
  readonly act?: Act | undefined;
  readonly token: Token;
  readonly bytes: number;
}

/** What was said and has no receipt yet, whatever connection it went out over, or none so far. */
export interface Outbox {
  /** Takes what was said, and whether it goes out at once. */
  add(said: Said, sent: boolean): void;
  /** All that is pending goes out now, or again: its tokens, oldest first. */
  send(): readonly Token[];
  /** A token came by at a position: what that settles. */
  echo(token: Token, position: number): Stored[];
  /** A gap came by, in which echoes may have been. */
  gap(): void;
  /** Whether a gap left something that a `PING` would settle. */
  readonly isUncertain: boolean;
  /** Whether a `PING` may go out now: while one waits for its answer no other does, for answers are not told apart. */
  ping(): boolean;
  /** The answer came: what that settles. */
  pong(): Stored[];
  /** The connection is over, and what waits for an answer waits for none. */
  hangUp(): void;
  /** How many of what was added have a receipt, up to the first that has none. */
  readonly stored: number;
}

interface Pending {
  readonly said: Said;
  /** How-many-eth it was added, from 1; 0 for what is of an earlier run. */
  readonly number: number;
  /** It went out over this connection. */
  here: boolean;
  /** It went out, over this connection or an older one. */
  sent: boolean;
  /** A gap came after that, so its echo may never come. */
  swallowed: boolean;
  /** It went out before the `PING` that waits for its answer. */
  asked: boolean;
}

/**
 * Keeps what is pending, oldest first, and finds what becomes of it.
 *
 * An echo settles its own token. A relay takes the lines of a connection in order, so after a gap the echo of a later
 * token, or the `PONG` to a later `PING`, settles what the gap swallowed too. Without a gap it does not: an echo that is
 * passed over is missing. Over another connection what is still pending when the log was read to its end goes out again,
 * the same tokens in the same order; the log tells which of them were stored, and only where a gap hides that can one be
 * in it twice, as the same token.
 */
export const outbox = (restored: readonly Said[] = []): Outbox => {
  const fresh = (said: Said, number: number, sent: boolean): Pending => ({
    said,
    number,
    sent,
    here: sent,
    swallowed: false,
    asked: false,
  });
  let pending = restored.map((said) => ({ ...fresh(said, 0, true), here: false }));
  let added = 0;
  let waiting = false;

  const settle = (which: (each: Pending, at: number) => boolean, echoed?: Token, position?: number) => {
    const stored = pending.filter(which).map(({ said }): Stored => ({
      ...said,
      type: 'stored',
      position: said.token === echoed ? position : undefined,
    }));
    if (stored.length > 0) pending = pending.filter((each, at) => !which(each, at));
    return stored;
  };

  return {
    add: (said, sent) => {
      added += 1;
      pending.push(fresh(said, added, sent));
    },
    send: () => {
      pending = pending.map(({ said, number }) => fresh(said, number, true));
      return pending.map(({ said }) => said.token);
    },
    echo: (token, position) => {
      const echoed = pending.findIndex(({ said }) => said.token === token);
      return settle((each, at) => at === echoed || (at < echoed && each.swallowed), token, position);
    },
    gap: () => {
      for (const each of pending) each.swallowed ||= each.sent;
    },
    get isUncertain() {
      return pending.some(({ here, swallowed }) => here && swallowed);
    },
    ping: () => {
      if (waiting) return false;
      for (const each of pending) each.asked = each.here;
      return (waiting = true);
    },
    pong: () => {
      waiting = false;
      return settle(({ asked, swallowed }) => asked && swallowed);
    },
    hangUp: () => {
      waiting = false;
      for (const each of pending) Object.assign(each, { here: false, asked: false });
    },
    get stored() {
      const first = pending.find(({ number }) => number > 0);
      return first === undefined ? added : first.number - 1;
    },
  };
};
