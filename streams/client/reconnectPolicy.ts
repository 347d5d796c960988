import { ConnectionError, ProtocolError, RefusedError, TRANSIENT_CODES } from '../wire/errors.js';
import type { ConnectionEvent } from './connectionEvent.js';
import type { ReconnectOptions } from './reconnect/reconnect.js';

/** When a client counts as connected, and why a relay closed the connection. */
export const RECONNECT_POLICY: Pick<ReconnectOptions<ConnectionEvent>, 'isUp' | 'closeReason'> = {
  isUp: ({ type }) => type === 'welcome',
  closeReason: (event) =>
    event.type === 'bye'
      ? {
          reason: event.reason === 'busy' ? 'the relay is busy' : 'the relay is shutting down',
          retryMs: event.retryMs,
        }
      : undefined,
};

/** Whether an error of a connection ends the client. `wasUp` means that it was welcomed before. */
export const isFatal = (
  error: unknown,
  wasUp: boolean,
  explainRefusal: ((error: RefusedError) => string | undefined) | undefined,
): boolean => {
  if (error instanceof RefusedError)
    return !TRANSIENT_CODES.has(error.code) && !(wasUp && explainRefusal?.(error) !== undefined);
  // If no connection ever worked, the address is probably wrong.
  return !(wasUp && (error instanceof ConnectionError || error instanceof ProtocolError));
};
