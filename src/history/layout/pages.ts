import { closeSync, openSync, readSync } from 'node:fs';
import { damagedError } from './errors.js';
import type { Header, Tree } from './header.js';

/** A key and its value as stored. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Length of the header of a page, and of a node. */
export const PAGE_HEADER_BYTES = 24;
export const NODE_HEADER_BYTES = 8;
/** Flags of the kinds of pages. */
export const BRANCH_FLAG = 1;
export const LEAF_FLAG = 2;
export const OVERFLOW_FLAG = 4;
export const KIND_MASK: number = BRANCH_FLAG | LEAF_FLAG | OVERFLOW_FLAG;

/** Flag of a value in overflow pages. rxchat uses no other flag. */
export const BIG_FLAG = 1;
export const BIG_BYTES = 24;

/** Offsets in the header of a page. */
export const PAGE_OFFSETS = { flags: 18, lower: 20, upper: 22, pages: 20 } as const;
export const MAX_DEPTH = 32;

const NO_VALUE = new Uint8Array(0);

/**
 * Reads all used pages of an lmdb file without lmdb. At a missing or changed page, lmdb would end the process.
 * Opening the store would disturb a running relay.
 *
 * Yields all values in the order of their keys, empty if `withValues` is false. Throws `HistoryError`
 * (`damaged`) at the first wrong page, and system errors. It does not read free pages.
 */
export function* readPages(path: string, header: Header, withValues: boolean): Generator<KeyValue, void> {
  const file = openSync(path, 'r');
  try {
    const used = new Uint8Array(Math.floor(Math.min(header.size, header.expectedSize) / header.pageSize));
    const [free, main] = header.trees;
    // The keys of the free tree are numbers in the byte order of the machine, so they are not ordered by their
    // bytes.
    for (const tree of [free, main])
      if (tree !== undefined)
        yield* readTree({ path, file, header, visited: used, withValues, isMain: tree === main }, tree);
  } finally {
    closeSync(file);
  }
}

interface ReadContext {
  readonly path: string;
  readonly file: number;
  readonly header: Header;
  /** 1 for each page that was visited. */
  readonly visited: Uint8Array;
  readonly withValues: boolean;
  readonly isMain: boolean;
}

function* readTree(context: ReadContext, { root, depth, entries }: Tree): Generator<KeyValue, void> {
  const { path, isMain, withValues } = context;
  /** Later keys are at or after `minKey` and after `previousKey`. */
  let minKey: Buffer | undefined;
  let previousKey: Buffer | undefined;
  let count = 0;

  /** Whether a key is in order. The first key of a branch page has no meaning. */
  const isInOrder = (key: Buffer, isLeaf: boolean, isFirst: boolean): boolean => {
    if (!isMain || (!isLeaf && isFirst)) return true;
    if (previousKey !== undefined && Buffer.compare(previousKey, key) >= 0) return false;
    if (isLeaf) previousKey = key;
    else minKey = key;
    return minKey === undefined || Buffer.compare(minKey, key) <= 0;
  };

  function* walkPage(number: number, height: number): Generator<KeyValue, void> {
    const isLeaf = height === 1;
    const bytes = readPage(context, number);
    for (const { isFirst, from, end, low, flags } of nodesOf(path, number, bytes, isLeaf)) {
      const key = bytes.subarray(from, end);
      if (!isInOrder(key, isLeaf, isFirst)) throw changedPageError(path, number);
      if (!isLeaf) yield* walkPage(flags * 2 ** 32 + low, height - 1);
      else {
        count += 1;
        const isBig = flags === BIG_FLAG && end + BIG_BYTES <= bytes.length;
        if (!isBig && (flags !== 0 || end + low > bytes.length)) throw changedPageError(path, number);
        const value = isBig
          ? readOverflow(context, Number(bytes.readBigUInt64LE(end)), low)
          : bytes.subarray(end, end + low);
        if (isMain) yield { key, value: withValues ? value : NO_VALUE };
      }
    }
  }

  if (root !== undefined) {
    if (!(depth >= 1 && depth <= MAX_DEPTH))
      throw damagedError(path, 'its tree has another depth than stored');
    yield* walkPage(root, depth);
  }
  if (count !== entries) throw damagedError(path, `it has ${count} of ${entries} values`);
}

/** Yields where the keys of a page start and end, and the two numbers before each key. */
function* nodesOf(path: string, number: number, bytes: Buffer, isLeaf: boolean) {
  const [lower, upper] = [bytes.readUInt16LE(PAGE_OFFSETS.lower), bytes.readUInt16LE(PAGE_OFFSETS.upper)];
  const isSound =
    (bytes.readUInt16LE(PAGE_OFFSETS.flags) & KIND_MASK) === (isLeaf ? LEAF_FLAG : BRANCH_FLAG) &&
    lower % 2 === 0 &&
    lower <= upper &&
    PAGE_HEADER_BYTES + upper <= bytes.length;
  if (!isSound) throw changedPageError(path, number);
  for (let at = PAGE_HEADER_BYTES; at < PAGE_HEADER_BYTES + lower; at += 2) {
    const node = PAGE_HEADER_BYTES + bytes.readUInt16LE(at);
    if (node < PAGE_HEADER_BYTES + upper || node + NODE_HEADER_BYTES > bytes.length)
      throw changedPageError(path, number);
    const from = node + NODE_HEADER_BYTES;
    const end = from + bytes.readUInt16LE(node + 6);
    if (end > bytes.length) throw changedPageError(path, number);
    yield {
      isFirst: at === PAGE_HEADER_BYTES,
      from,
      end,
      low: bytes.readUInt32LE(node),
      flags: bytes.readUInt16LE(node + 4),
    };
  }
}

const readPage = ({ path, file, header, visited }: ReadContext, number: number): Buffer => {
  if (!(number >= 2 && number < visited.length)) throw damagedError(path, `page ${number} is missing`);
  if (visited[number] === 1) throw damagedError(path, `page ${number} is used twice`);
  visited[number] = 1;
  const bytes = readBytes(file, number * header.pageSize, header.pageSize);
  if (Number(bytes.readBigUInt64LE()) !== number) throw changedPageError(path, number);
  return bytes;
};

const readOverflow = (context: ReadContext, number: number, length: number): Uint8Array => {
  const { path, file, header, visited, withValues } = context;
  const first = readPage(context, number);
  const pages = first.readUInt32LE(PAGE_OFFSETS.pages);
  if (
    (first.readUInt16LE(PAGE_OFFSETS.flags) & KIND_MASK) !== OVERFLOW_FLAG ||
    pages * header.pageSize < PAGE_HEADER_BYTES + length
  )
    throw changedPageError(path, number);
  const last = number + pages - 1;
  if (last >= visited.length) throw damagedError(path, `page ${last} is missing`);
  const visitedAt = visited.subarray(number + 1, last + 1).indexOf(1);
  if (visitedAt >= 0) throw damagedError(path, `page ${number + 1 + visitedAt} is used twice`);
  visited.fill(1, number, last + 1);
  return withValues ? readBytes(file, number * header.pageSize + PAGE_HEADER_BYTES, length) : NO_VALUE;
};

/** Reads bytes of a file; zeros after its end. */
export const readBytes = (file: number, from: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const read = readSync(file, bytes, at, length - at, from + at);
    if (read === 0) break;
    at += read;
  }
  return bytes;
};

const changedPageError = (path: string, page: number) => damagedError(path, `page ${page} was changed`);
