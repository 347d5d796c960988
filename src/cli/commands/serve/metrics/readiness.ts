/** What decides whether a relay is ready. */
export interface ReadinessState {
  readonly isListening: boolean;
  readonly isStopping: boolean;
  /** Monotonic time in ms of the last commit that failed, unless a later one succeeded. */
  readonly failedAtMs: number | undefined;
}

/** A failed commit counts for this time in ms, since a relay without new messages stores nothing that could succeed. */
const FAILURE_MS = 60_000;

/** Returns why a relay should get no new clients, or `undefined` if it is ready. */
export const readinessProblem = (
  { isListening, isStopping, failedAtMs }: ReadinessState,
  nowMs: number,
): string | undefined => {
  if (isStopping) return 'the relay is stopping';
  if (!isListening) return 'the relay is starting';
  if (failedAtMs !== undefined && nowMs - failedAtMs < FAILURE_MS)
    return 'the store failed to store a message';
  return undefined;
};
