import type { Observable } from 'rxjs';

/**
 * All that a transport gives to the core. TCP and memory make one each; so can an embedder, over anything that
 * carries bytes in order. `test/contract/` holds every transport to what is said here.
 */
export interface Connection {
  /** Who is at the other end, for people and logs (`127.0.0.1:50412`), and by whom connections are counted. */
  readonly peer: string;

  /**
   * Bytes as they come, of any size. Completes when the peer has ended or `close` was called, errors when the link
   * broke. To be subscribed once; nothing is read before, and reading stops when it is unsubscribed. A chunk is only
   * good during its own emission.
   */
  readonly chunk$: Observable<Uint8Array>;

  /** Emits when the connection takes bytes again after a `write` that returned `false`; never within that `write`. */
  readonly writable$: Observable<unknown>;

  /**
   * Bytes that bind a proof to this very connection (the exporter of TLS, RFC 9266); empty where the transport has
   * none. Both ends see the same.
   */
  readonly channelBinding: Uint8Array;

  /**
   * It looks at bytes no more once `write` has answered `true`, or `writable$` has emitted after a `false`: then they may
   * change. Without it they may not, ever.
   */
  readonly takesAtOnce?: boolean;

  /**
   * Hands over bytes and keeps no copy of them, so they must not change any more (but see `takesAtOnce`). `false`: it still holds some back,
   * wait for `writable$`. Bytes written all the same are kept, in order. After `close` it does nothing.
   */
  write(bytes: Uint8Array): boolean;

  /** Stops reading, so that the peer is slowed by its own full buffers. */
  pause(): void;

  /** Reads on. */
  resume(): void;

  /**
   * Sends what was written, then ends the connection, by force if the peer does not take it within a grace. May be
   * called more than once. `chunk$` ends within the call.
   */
  close(): void;
}

/** The two members of a connection that writing needs. */
export type Sink = Pick<Connection, 'write' | 'writable$'>;
