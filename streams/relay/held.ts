import type { Connection } from '../wire/connection.js';

/** A connection that knows whether we read it. */
export interface HeldConnection extends Connection {
  /** Somebody paused it and has not resumed it yet. */
  readonly isHeld: boolean;
}

/** A connection that several may pause: it reads on once each of them has resumed it. */
export const held = (connection: Connection): HeldConnection => {
  let holds = 0;
  return {
    peer: connection.peer,
    channelBinding: connection.channelBinding,
    chunk$: connection.chunk$,
    writable$: connection.writable$,
    write: (bytes) => connection.write(bytes),
    close: () => {
      connection.close();
    },
    pause: () => {
      holds += 1;
      if (holds === 1) connection.pause();
    },
    resume: () => {
      holds -= 1;
      if (holds === 0) connection.resume();
    },
    get isHeld() {
      return holds > 0;
    },
  };
};
