import { closeSync, fstatSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import { openRegularFile } from '../files/readRegularFile.js';
import { errorCode } from '../transport/networkError.js';

/** A tree of pages: how deep it is, how many values it has, the page it begins with; no page where it is empty. */
export interface Tree {
  readonly depth: number;
  readonly entries: number;
  readonly root: number | undefined;
}

/** What the first two pages of lmdb's file say of it. */
export interface Header {
  /** How long the file is, in bytes. */
  readonly size: number;
  /** How long it was meant to be: its last page ends there. It may be shorter only where its last pages are free. */
  readonly meant: number;
  readonly pageSize: number;
  readonly transaction: bigint;
  /** The free pages, and all values. */
  readonly trees: readonly Tree[];
}

const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const META_FLAG = 8;
const META_BYTES = 160;
const SMALLEST_PAGE = 256;
const LARGEST_PAGE = 65_536;

/** Where things are on a meta page, on machines of 64 bits; and in what it says of a tree. */
const AT = { flags: 18, magic: 24, format: 28, pageSize: 48, lastPage: 144, transaction: 152 } as const;
const TREES_AT = [48, 96] as const;
const MAIN = 1;
/** Where a page says which one it is, and which transaction wrote it. */
const ON_PAGE = { number: 0, transaction: 8 } as const;
const PAGE_BYTES = 16;
const IN_TREE = { depth: 6, entries: 32, root: 40 } as const;

/** How often to read both pages, which do not belong together where a relay stores in between. */
const TRIES = 20;
const NO_PAGE = 2n ** 64n - 1n;

/** Machines of 32 bits. */
export const ARCH_32_BIT: readonly string[] = ['arm', 'ia32', 'mips', 'mipsel', 'ppc'];

/** lmdb writes numbers as the machine has them, and on 32 bits lays them out differently; there it is left unread. */
const KNOWN_LAYOUT = endianness() === 'LE' && !ARCH_32_BIT.includes(process.arch);

/**
 * Reads what lmdb is going to trust, since it ends the process where that is not so: by a file that is none of its own
 * while opening it, by one that is too short while reading. `undefined` where there is no file or an empty one,
 * `'invalid'` where it is none of lmdb's. Throws errors of the system.
 */
export const readHeader = (path: string): Header | 'invalid' | undefined => {
  let file: number;
  try {
    ({ file } = openRegularFile(path));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    if (fstatSync(file).size === 0) return undefined;
    if (!KNOWN_LAYOUT) return unknownLayout(fstatSync(file).size);
    let header = readMetas(file);
    for (let tries = 1; header === 'torn' && tries < TRIES; tries += 1) header = readMetas(file);
    return header === 'torn' ? 'invalid' : header;
  } finally {
    closeSync(file);
  }
};

const unknownLayout = (size: number): Header => ({
  size,
  meant: size,
  pageSize: 0,
  transaction: 0n,
  trees: [],
});

const readMetas = (file: number): Header | 'invalid' | 'torn' => {
  const one = readMeta(file, 0);
  const two = one && readMeta(file, one.pageSize);
  if (one === undefined || two?.pageSize !== one.pageSize) return 'invalid';
  if (!follow(one.transaction, two.transaction)) return 'torn';
  if (!isStamped(file, one) || !isStamped(file, two)) return 'torn';
  const { lastPage, ...head } = two.transaction > one.transaction ? two : one;
  const meant = (lastPage + 1) * head.pageSize;
  // After the pages were read: the file of a relay that stores meanwhile only grows.
  const { size } = fstatSync(file);
  return size >= 2 * one.pageSize && Number.isSafeInteger(meant) ? { ...head, size, meant } : 'invalid';
};

/**
 * Each transaction is written over the older of both pages, even ones over the first. Where the pages' numbers are others
 * than that makes them, the newest transaction cannot be told, and may seem to have never been.
 */
const follow = (first: bigint, second: bigint): boolean =>
  first === 0n && second === 0n
    ? true
    : first % 2n === 0n && (second === first + 1n || second === first - 1n);

/**
 * Each transaction writes the first page of its values anew, with its own number on it, and what it replaces is not used
 * again before the next one is through. So a head whose number is another than it was passes neither for the newest one
 * nor for the one before.
 */
const isStamped = (file: number, { pageSize, transaction, trees, lastPage }: Meta): boolean => {
  const root = trees[MAIN]?.root;
  if (root === undefined) return true;
  if (root > lastPage || !Number.isSafeInteger(root * pageSize)) return false;
  const page = Buffer.alloc(PAGE_BYTES);
  if (readSync(file, page, 0, PAGE_BYTES, root * pageSize) < PAGE_BYTES) return false;
  return (
    page.readBigUInt64LE(ON_PAGE.number) === BigInt(root) &&
    page.readBigUInt64LE(ON_PAGE.transaction) === transaction
  );
};

type Meta = Omit<Header, 'size' | 'meant'> & { readonly lastPage: number };

const readMeta = (file: number, from: number): Meta | undefined => {
  const page = Buffer.alloc(META_BYTES);
  if (readSync(file, page, 0, META_BYTES, from) < META_BYTES) return undefined;
  const pageSize = page.readUInt32LE(AT.pageSize);
  const isMeta =
    (page.readUInt16LE(AT.flags) & META_FLAG) !== 0 &&
    page.readUInt32LE(AT.magic) === MAGIC &&
    (page.readUInt32LE(AT.format) & 0xffff) === FORMAT &&
    pageSize >= SMALLEST_PAGE &&
    pageSize <= LARGEST_PAGE &&
    (pageSize & (pageSize - 1)) === 0;
  if (!isMeta) return undefined;
  return {
    pageSize,
    lastPage: Number(page.readBigUInt64LE(AT.lastPage)),
    transaction: page.readBigUInt64LE(AT.transaction),
    trees: TREES_AT.map((at) => readTree(page, at)),
  };
};

const readTree = (page: Buffer, at: number): Tree => {
  const root = page.readBigUInt64LE(at + IN_TREE.root);
  return {
    depth: page.readUInt16LE(at + IN_TREE.depth),
    entries: Number(page.readBigUInt64LE(at + IN_TREE.entries)),
    root: root === NO_PAGE ? undefined : Number(root),
  };
};
