import { closeSync, openSync, readSync } from 'node:fs';
import { errorCode } from '../transport/networkError.js';
import { fileFault } from './fileFault.js';

/** More than any invite, passphrase, key or certificate has, in bytes. A device such as /dev/zero has no end. */
export const GIVEN_LIMIT = 1_048_576;

const CHUNK_BYTES = 65_536;
const WAIT_MS = 10;
const STANDARD_INPUT = 0;

/** Reads all of a file, a pipe or a device that a person has named. Throws errors of the system, `ETOOLARGE` among them. */
export const readGiven = (path: string): Buffer => {
  const file = openSync(path, 'r');
  try {
    return readAll(file);
  } finally {
    closeSync(file);
  }
};

/** Does the same with standard input. */
export const readGivenInput = (): Buffer => readAll(STANDARD_INPUT);

const readAll = (file: number): Buffer => {
  const chunks: Buffer[] = [];
  for (let size = 0; size <= GIVEN_LIMIT;) {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const length = readSome(file, chunk);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, length));
    size += length;
  }
  throw fileFault('ETOOLARGE');
};

/** How many bytes were read, 0 at the end, also of a pipe that somebody made non-blocking. */
const readSome = (file: number, chunk: Buffer): number => {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      return readSync(file, chunk);
    } catch (error) {
      if (errorCode(error) === 'EOF') return 0;
      if (errorCode(error) !== 'EAGAIN') throw error;
      Atomics.wait(nothing, 0, 0, WAIT_MS);
    }
  }
};
