/**
 * What is wrong with a file of keys:
 *
 * - `open-to-others`: others may read or change it, or what it stands in
 * - `not-yours`: it belongs to somebody else
 * - `damaged`: it is not what was written there
 * - `unreadable`, `unwritable`: the system refuses, or the disk is full
 */
export type IdentityErrorCode = 'open-to-others' | 'not-yours' | 'damaged' | 'unreadable' | 'unwritable';

/** A file of keys is at fault. The message is one line for people, names the path, and holds nothing of a key. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  readonly code: IdentityErrorCode;
  /** What to do about it, where something can be done. */
  readonly hint: string | undefined;

  constructor(code: IdentityErrorCode, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
