// The class of an error names the party at fault. Messages are lower case, name the limit that was exceeded, and never
// contain a message or a key.

/** Codes of `ERR code text`; docs/protocol.md describes each code and how a client handles it. */
export type ErrorCode =
  | 'line-too-long'
  | 'bad-line'
  | 'bad-version'
  | 'bad-room'
  | 'bad-session'
  | 'bad-proof'
  | 'bad-position'
  | 'nick-empty'
  | 'nick-too-long'
  | 'nick-invalid'
  | 'nick-taken'
  | 'timeout'
  | 'busy'
  | 'room-full'
  | 'room-not-allowed'
  | 'access-denied'
  | 'storage'
  | 'internal';

/** The peer violated the protocol or a limit. It gets an `ERR`, and only its connection ends. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The relay is overloaded: it closes the connection with `BYE busy` and the time to retry in ms. */
export class BusyError extends ProtocolError {
  readonly retryMs: number;

  constructor(message: string, retryMs: number) {
    super('busy', message);
    this.retryMs = retryMs;
  }
}

/** The relay answered `ERR code text`. `code` is any string, since a newer relay can have more codes. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.code = code;
  }
}

/** Codes of refusals after which a later attempt, or another relay, can succeed. */
export const TRANSIENT_CODES: ReadonlySet<string> = new Set(['storage', 'internal', 'timeout', 'busy']);

/** The connection to the relay failed or was lost; a retry can succeed. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** A message is too large to be sent; no part of it was sent. */
export class LimitError extends Error {
  override readonly name = 'LimitError';
}
