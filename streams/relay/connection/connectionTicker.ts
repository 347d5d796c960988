import { merge, type Observable, Subscription, tap } from 'rxjs';
import type { AddressBuckets } from './addressRate.js';
import type { InspectConnection } from './inspectConnection.js';
import type { RateLimits } from './rateLimit.js';

/** New limits of open connections. */
export interface ConnectionChange extends RateLimits {
  readonly addressBytes: AddressBuckets;
  /** Time in ms for the answer to `NICK`, from now on. */
  readonly handshakeTimeoutMs: number;
}

/** Signals for all connections of a relay. */
export interface ServerSignals {
  /** Emits at each tick of the heartbeat. */
  readonly tick$: Observable<unknown>;
  /** Emits when the relay stops. */
  readonly stop$: Observable<unknown>;
  /** Emits what inspects every connection. */
  readonly inspect$: Observable<InspectConnection>;
  /** Emits new limits for every connection. */
  readonly change$: Observable<ConnectionChange>;
}

/** A connection that receives the signals. */
export interface TickedConnection {
  tick(): void;
  stop(): void;
  inspect(inspect: InspectConnection): void;
  change(change: ConnectionChange): void;
  error(error: unknown): void;
}

/**
 * Passes signals on to all connections through one subscription, while there are any.
 *
 * It does what `share` does, without the KiB that each subscriber of `share` takes.
 */
export class ConnectionTicker {
  readonly #signal$: Observable<unknown>;
  readonly #connections = new Set<TickedConnection>();
  #subscription = Subscription.EMPTY;

  constructor({ tick$, stop$, inspect$, change$ }: ServerSignals) {
    this.#signal$ = merge(
      stop$.pipe(
        tap(() => {
          for (const connection of this.#connections) connection.stop();
        }),
      ),
      tick$.pipe(
        tap(() => {
          for (const connection of this.#connections) connection.tick();
        }),
      ),
      inspect$.pipe(
        tap((inspect) => {
          for (const connection of this.#connections) connection.inspect(inspect);
        }),
      ),
      change$.pipe(
        tap((change) => {
          for (const connection of this.#connections) connection.change(change);
        }),
      ),
    );
  }

  add(connection: TickedConnection): void {
    this.#connections.add(connection);
    if (this.#connections.size > 1) return;
    const subscription = new Subscription();
    this.#subscription = subscription;
    // If the relay has stopped already, the call removes the connection and closes this subscription.
    subscription.add(
      this.#signal$.subscribe({
        error: (error: unknown) => {
          for (const each of this.#connections) each.error(error);
        },
      }),
    );
  }

  remove(connection: TickedConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#subscription.unsubscribe();
  }
}
