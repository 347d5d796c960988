/** What decides whether a relay is ready. */
export interface ReadinessState {
  readonly isListening: boolean;
  readonly isStopping: boolean;
  /** An operator asked the relay to stop soon. */
  readonly isDraining: boolean;
  /** The relay is connected to the store that it shares with others, if it does. */
  readonly isStoreConnected: boolean;
  /** Monotonic time in ms of the last commit that failed, unless a later one succeeded. */
  readonly failedAtMs: number | undefined;
}

/** A failed commit counts for this time in ms, since a relay without new messages stores nothing that could succeed. */
const FAILURE_MS = 60_000;

/** Returns why a relay should get no new clients, or `undefined` if it is ready. */
export const readinessProblem = (
  { isListening, isStopping, isDraining, isStoreConnected, failedAtMs }: ReadinessState,
  nowMs: number,
): string | undefined => {
  if (isStopping) return 'the relay is stopping';
  if (isDraining) return 'the relay is draining';
  if (!isListening) return 'the relay is starting';
  if (!isStoreConnected) return 'the relay has lost the connection to the store';
  if (failedAtMs !== undefined && nowMs - failedAtMs < FAILURE_MS)
    return 'the store failed to store a message';
  return undefined;
};
