import { type KeyRecord, readRecord } from './keyRecord.js';
import { appendOwnFile, readOwnTail, replaceOwnFile } from './ownFile.js';

/** A file of key records, a line each, which several processes add to. */
export interface KeyRecordFile {
  /** Returns what was added since it was called last, by whomever; at first, all. Throws `IdentityError`. */
  readonly read: () => readonly KeyRecord[];
  /** Adds lines in one write; throws `IdentityError`. After an error, `read` before the next: half a line may be there. */
  readonly append: (lines: readonly string[], durable: boolean) => void;
  /** How many bytes were read, and how many lines. */
  readonly size: number;
  readonly count: number;
  /** Replaces what was read by lines that say the same; what others add meanwhile stays. Throws `IdentityError`. */
  readonly replace: (lines: readonly string[]) => void;
  /** The numbers of the lines that are no records, from 1. */
  readonly damaged: () => readonly number[];
}

const NEWLINE = 0x0a;

/** Reads each byte of the file once, however often something is added. */
export const keyRecordFile = (path: string): KeyRecordFile => {
  let file: number | undefined;
  let size = 0;
  let count = 0;
  let damaged: number[] = [];
  /** The last line, if it has no end: whoever wrote it did not come to it. */
  let cut: Buffer = Buffer.alloc(0);

  const parseLine = (line: string): readonly KeyRecord[] => {
    count += 1;
    if (line === '') return [];
    const record = readRecord(line);
    if (record !== undefined) return [record];
    damaged.push(count);
    return [];
  };

  const read = (): readonly KeyRecord[] => {
    const tail = readOwnTail(path, size, file);
    if (tail === undefined) return [];
    if (tail.isWhole) {
      [size, count, damaged, cut] = [0, 0, [], Buffer.alloc(0)];
      file = tail.file;
    }
    size += tail.bytes.length;
    const bytes = Buffer.concat([cut, tail.bytes]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    cut = bytes.subarray(end);
    return end === 0
      ? []
      : bytes
          .toString('utf8', 0, end - 1)
          .split('\n')
          .flatMap(parseLine);
  };

  return {
    read,
    append: (lines, durable) => {
      const text = lines.map((line) => `${line}\n`).join('');
      appendOwnFile(path, `${cut.length === 0 ? '' : '\n'}${text}`, durable);
    },
    get size() {
      return size;
    },
    get count() {
      return count;
    },
    replace: (lines) => {
      replaceOwnFile(path, lines.map((line) => `${line}\n`).join(''), size);
    },
    damaged: () => (cut.length === 0 ? damaged : [...damaged, count + 1]),
  };
};
