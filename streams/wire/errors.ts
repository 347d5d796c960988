/**
 * An error is someone's, and its class says whose. Messages are lower case, name the number that was exceeded,
 * and never carry the content of a message or of a key.
 */

/** Codes of `ERR code text`; docs/protocol.md lists what each means and what the peer can do about it. */
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

/** The peer broke the protocol, or asked for what it cannot have. It is told, and only its connection ends. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The relay has no time for this peer now, and says when it will: `BYE busy retry-ms`. */
export class BusyError extends ProtocolError {
  readonly retryMs: number;

  constructor(message: string, retryMs: number) {
    super('busy', message);
    this.retryMs = retryMs;
  }
}

/** The relay answered `ERR code text`. `code` is kept as it came: a newer relay may know more codes than we do. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.code = code;
  }
}

/** The connection to the relay could not be made or was lost; trying again may help. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}

/** A message is too large to be sent. Nothing of it was. */
export class LimitError extends Error {
  override readonly name = 'LimitError';
}
