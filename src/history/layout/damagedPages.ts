import { closeSync, fstatSync, openSync } from 'node:fs';
import { type Meta, readMetas } from './header.js';
import {
  BIG_BYTES,
  BIG_FLAG,
  BRANCH_FLAG,
  KIND_MASK,
  type KeyValue,
  LEAF_FLAG,
  MAX_DEPTH,
  NODE_HEADER_BYTES,
  OVERFLOW_FLAG,
  PAGE_HEADER_BYTES,
  PAGE_OFFSETS,
  readBytes,
} from './pages.js';

/** What can be read of a damaged lmdb file. */
export interface DamagedPages {
  /** Number of transactions whose trees can be read: 2 in an intact file. */
  readonly transactions: number;
  /** Number of places that could not be read until now. */
  readonly damages: number;
  /** Iterates over the values of a transaction, 0 for the newest. Values can be changed: verify their checksums. */
  values(transaction: number): Iterable<KeyValue>;
  /** Returns whether the file has changed since it was opened. */
  hasChanged(): boolean;
  close(): void;
}

/**
 * Opens a damaged lmdb file without lmdb, which would end the process. Changes nothing. Throws system errors.
 *
 * What cannot be read is left out: a value, or all that is below a damaged page. A page is used only where the keys above it
 * say that it belongs, so pages of former transactions are not taken for present ones. The file has the trees of its
 * two last transactions.
 */
export const openDamagedPages = (path: string): DamagedPages => {
  const file = openSync(path, 'r');
  const metas = readMetas(file);
  const header = metaBytes(file, metas);
  let damages = metas.length < 2 ? 1 : 0;
  const onDamage = () => {
    damages += 1;
  };
  return {
    transactions: metas.length,
    get damages() {
      return damages;
    },
    values: (transaction) => {
      const meta = metas[transaction];
      return meta === undefined ? [] : valuesOf(file, meta, onDamage);
    },
    hasChanged: () => !header.equals(metaBytes(file, metas)),
    close: () => {
      closeSync(file);
    },
  };
};

const MAIN_TREE = 1;

const metaBytes = (file: number, metas: readonly Meta[]): Buffer =>
  readBytes(file, 0, 2 * (metas[0]?.pageSize ?? 4096));

/** A page, and the keys that it can have: from `start` to before `end`. */
interface PagePlace {
  readonly number: number;
  readonly depth: number;
  readonly start: Buffer | undefined;
  readonly end: Buffer | undefined;
}

function* valuesOf(file: number, { pageSize, trees }: Meta, onDamage: () => void): Generator<KeyValue, void> {
  const size = fstatSync(file).size;
  const visited = new Uint8Array(Math.ceil(size / pageSize));
  const root = trees[MAIN_TREE]?.root;

  const readPage = (number: number): Buffer | undefined => {
    if (!(number >= 2 && number < visited.length) || visited[number] === 1) return undefined;
    visited[number] = 1;
    const bytes = readBytes(file, number * pageSize, pageSize);
    return Number(bytes.readBigUInt64LE()) === number ? bytes : undefined;
  };

  const readOverflow = (number: number, length: number): Buffer | undefined => {
    if (length > size) return undefined;
    const first = readPage(number);
    const isOverflow =
      first !== undefined && (first.readUInt16LE(PAGE_OFFSETS.flags) & KIND_MASK) === OVERFLOW_FLAG;
    return isOverflow ? readBytes(file, number * pageSize + PAGE_HEADER_BYTES, length) : undefined;
  };

  function* walk({ number, depth, start, end }: PagePlace): Generator<KeyValue, void> {
    const bytes = depth > MAX_DEPTH ? undefined : readPage(number);
    const kind = bytes && bytes.readUInt16LE(PAGE_OFFSETS.flags) & KIND_MASK;
    if (bytes === undefined || (kind !== LEAF_FLAG && kind !== BRANCH_FLAG)) {
      onDamage();
      return;
    }
    const isInside = (key: Buffer): boolean =>
      (start === undefined || Buffer.compare(start, key) <= 0) &&
      (end === undefined || Buffer.compare(key, end) < 0);
    const nodes = nodesOf(bytes, onDamage);
    for (const [at, { key, low, flags, valueAt }] of nodes.entries()) {
      // The first key of a branch page has no meaning.
      const isKeyless = kind === BRANCH_FLAG && at === 0;
      if (!isKeyless && !isInside(key)) {
        onDamage();
        continue;
      }
      if (kind === BRANCH_FLAG) {
        const next = nodes[at + 1]?.key;
        yield* walk({
          number: flags * 2 ** 32 + low,
          depth: depth + 1,
          start: isKeyless ? start : key,
          end: next !== undefined && isInside(next) ? next : end,
        });
        continue;
      }
      const isBig = flags === BIG_FLAG && valueAt + BIG_BYTES <= bytes.length;
      const value = isBig
        ? readOverflow(Number(bytes.readBigUInt64LE(valueAt)), low)
        : flags === 0 && valueAt + low <= bytes.length
          ? bytes.subarray(valueAt, valueAt + low)
          : undefined;
      if (value === undefined) onDamage();
      else yield { key, value };
    }
  }

  if (root !== undefined) yield* walk({ number: root, depth: 1, start: undefined, end: undefined });
}

interface Node {
  readonly key: Buffer;
  readonly low: number;
  readonly flags: number;
  readonly valueAt: number;
}

/** Returns the nodes of a page that lie in it. */
const nodesOf = (bytes: Buffer, onDamage: () => void): readonly Node[] => {
  const nodes: Node[] = [];
  const end = Math.min(bytes.length, PAGE_HEADER_BYTES + bytes.readUInt16LE(PAGE_OFFSETS.lower));
  for (let at = PAGE_HEADER_BYTES; at + 2 <= end; at += 2) {
    const node = PAGE_HEADER_BYTES + bytes.readUInt16LE(at);
    const keyAt = node + NODE_HEADER_BYTES;
    const valueAt = keyAt <= bytes.length ? keyAt + bytes.readUInt16LE(node + 6) : Infinity;
    if (valueAt > bytes.length) onDamage();
    else
      nodes.push({
        key: bytes.subarray(keyAt, valueAt),
        low: bytes.readUInt32LE(node),
        flags: bytes.readUInt16LE(node + 4),
        valueAt,
      });
  }
  return nodes;
};
