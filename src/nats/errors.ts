/**
 * The reason for a failure of the shared store:
 *
 * - `not-installed`: the package that connects to NATS is missing
 * - `unreachable`: no server answered in time
 * - `denied`: the server rejected the credentials, or the user lacks a permission
 * - `unsuitable`: the server or an existing stream has other properties than the relay needs
 * - `timeout`: a request got no answer in time
 * - `failed`: the connection was given up
 */
export type LedgerErrorCode =
  'not-installed' | 'unreachable' | 'denied' | 'unsuitable' | 'timeout' | 'failed';

/** A failure of the store that several relays share. The message is one line without secrets. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  readonly code: LedgerErrorCode;
  /** What the operator can do, if anything. */
  readonly hint: string | undefined;

  constructor(
    code: LedgerErrorCode,
    message: string,
    { hint, cause }: { readonly hint?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.code = code;
    this.hint = hint;
  }
}
