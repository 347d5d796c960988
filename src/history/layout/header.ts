import { closeSync, fstatSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import { openRegularFile } from '../../files/readFile.js';
import { errorCode } from '../../util/errors.js';

/** A B-tree: its depth, its number of values and its root page, `undefined` if it is empty. */
export interface Tree {
  readonly depth: number;
  readonly entries: number;
  readonly root: number | undefined;
}

/** The content of the two meta pages of an lmdb file. */
export interface Header {
  /** Actual size of the file in bytes. */
  readonly size: number;
  /** Size up to the last page in bytes. The file may be shorter only if its last pages are free. */
  readonly expectedSize: number;
  readonly pageSize: number;
  readonly transaction: bigint;
  /** The tree of free pages and the tree of values. */
  readonly trees: readonly Tree[];
}

const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const META_FLAG = 8;
const META_BYTES = 160;
const MIN_PAGE_BYTES = 256;
const MAX_PAGE_BYTES = 65_536;

/** Offsets in a meta page on 64-bit machines, and of its trees. */
const META_OFFSETS = {
  flags: 18,
  magic: 24,
  format: 28,
  pageSize: 48,
  lastPage: 144,
  transaction: 152,
} as const;
const TREE_OFFSETS = [48, 96] as const;
const MAIN_TREE = 1;
/** Offsets of the page number and its transaction in a page header. */
const PAGE_OFFSETS = { number: 0, transaction: 8 } as const;
const PAGE_HEADER_BYTES = 16;
const OFFSETS_IN_TREE = { depth: 6, entries: 32, root: 40 } as const;

/** Number of attempts to read both meta pages consistently while a relay writes. */
const MAX_ATTEMPTS = 20;
const NO_PAGE = 2n ** 64n - 1n;

/** 32-bit architectures. */
export const ARCH_32_BIT: readonly string[] = ['arm', 'ia32', 'mips', 'mipsel', 'ppc'];

/** lmdb uses the byte order of the machine and another layout on 32 bits, where the header is not parsed. */
const IS_KNOWN_LAYOUT = endianness() === 'LE' && !ARCH_32_BIT.includes(process.arch);

/**
 * Reads the header that lmdb will trust. lmdb ends the process if the file is foreign or too short. Returns
 * `undefined` if there is no file or it is empty, and `'invalid'` if it is not an lmdb file. Throws system
 * errors.
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
    if (!IS_KNOWN_LAYOUT) return unknownLayoutHeader(fstatSync(file).size);
    let header = readMetaPages(file);
    for (let attempt = 1; header === 'torn' && attempt < MAX_ATTEMPTS; attempt += 1)
      header = readMetaPages(file);
    return header === 'torn' ? 'invalid' : header;
  } finally {
    closeSync(file);
  }
};

const unknownLayoutHeader = (size: number): Header => ({
  size,
  expectedSize: size,
  pageSize: 0,
  transaction: 0n,
  trees: [],
});

const readMetaPages = (file: number): Header | 'invalid' | 'torn' => {
  const first = readMeta(file, 0);
  const second = first && readMeta(file, first.pageSize);
  if (first === undefined || second?.pageSize !== first.pageSize) return 'invalid';
  if (!areConsecutive(first.transaction, second.transaction)) return 'torn';
  if (!matchesRoot(file, first) || !matchesRoot(file, second)) return 'torn';
  const { lastPage, ...head } = second.transaction > first.transaction ? second : first;
  const meant = (lastPage + 1) * head.pageSize;
  // Read after the pages, since the file of a running relay only grows.
  const { size } = fstatSync(file);
  return size >= 2 * first.pageSize && Number.isSafeInteger(meant)
    ? { ...head, size, expectedSize: meant }
    : 'invalid';
};

/**
 * Each transaction overwrites the older meta page, even numbers the first one. Any other pair of numbers hides
 * which transaction is the newest.
 */
const areConsecutive = (first: bigint, second: bigint): boolean =>
  first === 0n && second === 0n
    ? true
    : first % 2n === 0n && (second === first + 1n || second === first - 1n);

/**
 * Each transaction rewrites the root page with its own number, and the old root stays unused until the next
 * transaction ends. So a meta page with a wrong transaction number matches no root.
 */
const matchesRoot = (file: number, { pageSize, transaction, trees, lastPage }: Meta): boolean => {
  const root = trees[MAIN_TREE]?.root;
  if (root === undefined) return true;
  if (root > lastPage || !Number.isSafeInteger(root * pageSize)) return false;
  const page = Buffer.alloc(PAGE_HEADER_BYTES);
  if (readSync(file, page, 0, PAGE_HEADER_BYTES, root * pageSize) < PAGE_HEADER_BYTES) return false;
  return (
    page.readBigUInt64LE(PAGE_OFFSETS.number) === BigInt(root) &&
    page.readBigUInt64LE(PAGE_OFFSETS.transaction) === transaction
  );
};

/** The content of one meta page. */
export type Meta = Omit<Header, 'size' | 'expectedSize'> & { readonly lastPage: number };

/** Sizes of pages; without the first meta page, nothing says which the file has. */
const PAGE_SIZES: readonly number[] = [4096, 16_384, 65_536, 8192, 32_768, 2048, 1024, 512, MIN_PAGE_BYTES];

/**
 * Returns the meta pages of a damaged file whose tree begins as they say, the newer one first. If no tree begins so, those that
 * can be read at all. Throws system errors.
 */
export const readMetas = (file: number): readonly Meta[] => {
  const first = readMeta(file, 0);
  const second = (first === undefined ? PAGE_SIZES : [first.pageSize])
    .map((pageSize) => ({ pageSize, meta: readMeta(file, pageSize) }))
    .find(({ pageSize, meta }) => meta?.pageSize === pageSize)?.meta;
  const metas = [first, second]
    .filter((meta) => meta !== undefined)
    .sort((a, b) => (a.transaction < b.transaction ? 1 : -1));
  const matching = metas.filter((meta) => matchesRoot(file, meta));
  return matching.length > 0 ? matching : metas;
};

/** Whether the layout of this machine is that of `readMetas` and of pages. */
export const isKnownLayout = (): boolean => IS_KNOWN_LAYOUT;

const readMeta = (file: number, from: number): Meta | undefined => {
  const page = Buffer.alloc(META_BYTES);
  if (readSync(file, page, 0, META_BYTES, from) < META_BYTES) return undefined;
  const pageSize = page.readUInt32LE(META_OFFSETS.pageSize);
  const isMeta =
    (page.readUInt16LE(META_OFFSETS.flags) & META_FLAG) !== 0 &&
    page.readUInt32LE(META_OFFSETS.magic) === MAGIC &&
    (page.readUInt32LE(META_OFFSETS.format) & 0xffff) === FORMAT &&
    pageSize >= MIN_PAGE_BYTES &&
    pageSize <= MAX_PAGE_BYTES &&
    (pageSize & (pageSize - 1)) === 0;
  if (!isMeta) return undefined;
  return {
    pageSize,
    lastPage: Number(page.readBigUInt64LE(META_OFFSETS.lastPage)),
    transaction: page.readBigUInt64LE(META_OFFSETS.transaction),
    trees: TREE_OFFSETS.map((at) => readTree(page, at)),
  };
};

const readTree = (page: Buffer, at: number): Tree => {
  const root = page.readBigUInt64LE(at + OFFSETS_IN_TREE.root);
  return {
    depth: page.readUInt16LE(at + OFFSETS_IN_TREE.depth),
    entries: Number(page.readBigUInt64LE(at + OFFSETS_IN_TREE.entries)),
    root: root === NO_PAGE ? undefined : Number(root),
  };
};
