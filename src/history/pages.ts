import { closeSync, openSync, readSync } from 'node:fs';
import { damaged } from './errors.js';
import type { Header, Tree } from './header.js';

/** A value of the store under its key, as they are stored. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const HEADER = 24;
const NODE = 8;
const BRANCH = 1;
const LEAF = 2;
const OVERFLOW = 4;
const KIND = BRANCH | LEAF | OVERFLOW;

/** A leaf's value that is in pages of its own; any other flag is of something that rxchat does not use. */
const BIG = 1;
const BIG_BYTES = 24;

const AT = { flags: 18, lower: 20, upper: 22, pages: 20 } as const;
const DEEPEST = 32;

const NO_VALUE = new Uint8Array(0);

/**
 * Reads all pages in use of lmdb's file, without lmdb: that ends the process where a page is not there or not what it
 * was, and opening it would disturb a relay that stores meanwhile. Gives all values in the order of their keys; empty
 * ones where they are not to be read. Throws `HistoryError` (`damaged`) at the first page that is wrong, and errors of
 * the system. Free pages are not looked at.
 */
export function* readPages(path: string, header: Header, withValues: boolean): Generator<KeyValue, void> {
  const file = openSync(path, 'r');
  try {
    const used = new Uint8Array(Math.floor(Math.min(header.size, header.meant) / header.pageSize));
    const [free, main] = header.trees;
    // The keys of free pages are numbers as the machine has them, and so in another order than that of their bytes.
    for (const tree of [free, main])
      if (tree !== undefined)
        yield* readTree({ path, file, header, used, withValues, isMain: tree === main }, tree);
  } finally {
    closeSync(file);
  }
}

interface Reading {
  readonly path: string;
  readonly file: number;
  readonly header: Header;
  /** By page, 1 where it was come to. */
  readonly used: Uint8Array;
  readonly withValues: boolean;
  readonly isMain: boolean;
}

function* readTree(reading: Reading, { root, depth, entries }: Tree): Generator<KeyValue, void> {
  const { path, isMain, withValues } = reading;
  /** No key that follows is before this one; all are after the one before. */
  let floor: Buffer | undefined;
  let before: Buffer | undefined;
  let count = 0;

  /** What a page that is no leaf says of its first child is nothing. */
  const isInOrder = (key: Buffer, isLeaf: boolean, isFirst: boolean): boolean => {
    if (!isMain || (!isLeaf && isFirst)) return true;
    if (before !== undefined && Buffer.compare(before, key) >= 0) return false;
    if (isLeaf) before = key;
    else floor = key;
    return floor === undefined || Buffer.compare(floor, key) <= 0;
  };

  function* page(number: number, height: number): Generator<KeyValue, void> {
    const isLeaf = height === 1;
    const bytes = readPage(reading, number);
    for (const { isFirst, from, end, low, flags } of nodes(path, number, bytes, isLeaf)) {
      const key = bytes.subarray(from, end);
      if (!isInOrder(key, isLeaf, isFirst)) throw changed(path, number);
      if (!isLeaf) yield* page(flags * 2 ** 32 + low, height - 1);
      else {
        count += 1;
        const isBig = flags === BIG && end + BIG_BYTES <= bytes.length;
        if (!isBig && (flags !== 0 || end + low > bytes.length)) throw changed(path, number);
        const value = isBig
          ? readBig(reading, Number(bytes.readBigUInt64LE(end)), low)
          : bytes.subarray(end, end + low);
        if (isMain) yield { key, value: withValues ? value : NO_VALUE };
      }
    }
  }

  if (root !== undefined) {
    if (!(depth >= 1 && depth <= DEEPEST)) throw damaged(path, 'its tree is not as deep as it was');
    yield* page(root, depth);
  }
  if (count !== entries) throw damaged(path, `it has ${count} values of ${entries}`);
}

/** Where on a page its keys begin and end, and the two numbers before each. */
function* nodes(path: string, number: number, bytes: Buffer, isLeaf: boolean) {
  const [lower, upper] = [bytes.readUInt16LE(AT.lower), bytes.readUInt16LE(AT.upper)];
  const isSound =
    (bytes.readUInt16LE(AT.flags) & KIND) === (isLeaf ? LEAF : BRANCH) &&
    lower % 2 === 0 &&
    lower <= upper &&
    HEADER + upper <= bytes.length;
  if (!isSound) throw changed(path, number);
  for (let at = HEADER; at < HEADER + lower; at += 2) {
    const node = HEADER + bytes.readUInt16LE(at);
    if (node < HEADER + upper || node + NODE > bytes.length) throw changed(path, number);
    const from = node + NODE;
    const end = from + bytes.readUInt16LE(node + 6);
    if (end > bytes.length) throw changed(path, number);
    yield {
      isFirst: at === HEADER,
      from,
      end,
      low: bytes.readUInt32LE(node),
      flags: bytes.readUInt16LE(node + 4),
    };
  }
}

const readPage = ({ path, file, header, used }: Reading, number: number): Buffer => {
  if (!(number >= 2 && number < used.length)) throw damaged(path, `page ${number} is missing`);
  if (used[number] === 1) throw damaged(path, `page ${number} is in two places`);
  used[number] = 1;
  const bytes = readBytes(file, number * header.pageSize, header.pageSize);
  if (Number(bytes.readBigUInt64LE()) !== number) throw changed(path, number);
  return bytes;
};

const readBig = (reading: Reading, number: number, length: number): Uint8Array => {
  const { path, file, header, used, withValues } = reading;
  const first = readPage(reading, number);
  const pages = first.readUInt32LE(AT.pages);
  if ((first.readUInt16LE(AT.flags) & KIND) !== OVERFLOW || pages * header.pageSize < HEADER + length)
    throw changed(path, number);
  const last = number + pages - 1;
  if (last >= used.length) throw damaged(path, `page ${last} is missing`);
  const again = used.subarray(number + 1, last + 1).indexOf(1);
  if (again >= 0) throw damaged(path, `page ${number + 1 + again} is in two places`);
  used.fill(1, number, last + 1);
  return withValues ? readBytes(file, number * header.pageSize + HEADER, length) : NO_VALUE;
};

const readBytes = (file: number, from: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const read = readSync(file, bytes, at, length - at, from + at);
    if (read === 0) break;
    at += read;
  }
  return bytes;
};

const changed = (path: string, page: number) => damaged(path, `page ${page} is not what was stored`);
