import { LimitError } from '../wire/errors.js';

/** The most bytes an envelope can have, so that its token still is a line of 64 KiB. */
export const ENVELOPE_LIMIT = 49_087;

/** The smallest size of a padded envelope in bytes; the others are twice, four times ... this, and the limit. */
const SMALLEST = 512;

/**
 * Bytes with spaces behind them, up to 512, 1024 ... 32 768 bytes or the limit: so their length tells little of what
 * was said. A `LimitError` where they are more than the limit.
 */
export const padded = (bytes: Uint8Array): Uint8Array => {
  if (bytes.length > ENVELOPE_LIMIT)
    throw new LimitError(`a message of ${bytes.length} bytes is over the limit of ${ENVELOPE_LIMIT}`);
  let size = SMALLEST;
  while (size < bytes.length) size *= 2;
  const filled = new Uint8Array(Math.min(size, ENVELOPE_LIMIT)).fill(0x20);
  filled.set(bytes);
  return filled;
};
