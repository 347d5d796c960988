import type { Token } from './cipher.js';

/** Lines of ours went out in one token of `bytes` bytes; they are pending. */
export interface Said {
  readonly type: 'said';
  readonly lines: readonly string[];
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
  readonly bytes: number;
}

/** What went out over one connection and has no receipt yet. */
export interface Outbox {
  /** Takes note of what goes out. */
  sent(token: Token, said: Said): void;
  /** A token came by at a position: what that settles. */
  echo(token: Token, position: number): Stored[];
  /** A gap came by, in which echoes may have been. Whether the relay has to be asked, with a `PING`. */
  gap(): boolean;
  /** The relay answered: what that settles, and whether to ask again. */
  pong(): { readonly stored: Stored[]; readonly ask: boolean };
}

interface Pending extends Said {
  readonly token: Token;
  /** A gap came after it, so its echo may never come. */
  swallowed: boolean;
  /** It went out before the `PING` that waits for its answer. */
  asked: boolean;
}

/**
 * Keeps what is pending, oldest first, and finds what becomes of it.
 *
 * An echo settles its own token. A relay takes the lines of a connection in order, so after a gap the echo of a later
 * token, or the `PONG` to a later `PING`, settles what the gap swallowed too. Without a gap it does not: an echo that is
 * passed over is missing.
 */
export const outbox = (): Outbox => {
  let pending: Pending[] = [];
  let waiting = false;

  const settle = (
    which: (each: Pending, at: number) => boolean,
    position?: (each: Pending) => number | undefined,
  ) => {
    const stored = pending.filter(which).map((each): Stored => ({
      type: 'stored',
      position: position?.(each),
      lines: each.lines,
      bytes: each.bytes,
    }));
    pending = pending.filter((each, at) => !which(each, at));
    return stored;
  };

  const ask = (): boolean => {
    if (waiting || !pending.some(({ swallowed }) => swallowed)) return false;
    for (const each of pending) each.asked = true;
    return (waiting = true);
  };

  return {
    sent: (token, said) => {
      pending.push({ ...said, token, swallowed: false, asked: false });
    },
    echo: (token, position) => {
      const echoed = pending.findIndex((each) => each.token === token);
      return settle(
        (each, at) => at === echoed || (at < echoed && each.swallowed),
        (each) => (each.token === token ? position : undefined),
      );
    },
    gap: () => {
      for (const each of pending) each.swallowed = true;
      return ask();
    },
    pong: () => {
      waiting = false;
      return { stored: settle(({ asked, swallowed }) => asked && swallowed), ask: ask() };
    },
  };
};
