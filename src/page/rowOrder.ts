/** What has a place in a room: an entry, and where in it. */
interface Placed {
  readonly key: string;
  readonly position: number;
  readonly index: number;
}

/** So many rows are kept to be shown again. */
export const KEPT = 50_000;

const isBefore = (one: Placed, other: Placed): boolean =>
  one.position !== other.position ? one.position < other.position : one.index < other.index;

export interface RowOrder<R extends Placed> {
  /** Each once, in their order, the newest `KEPT`. */
  readonly rows: readonly R[];
  /** Puts one in its place; whether `rows` has changed. */
  readonly add: (row: R) => boolean;
  /**
   * From now on what was read comes once more, from further back on. What lies before the first row that was there is among
   * `rows` once nothing is missing between them: else a reader would take for the next line what is a thousand further on.
   */
  readonly lookBack: () => void;
  readonly isLookingBack: boolean;
  readonly clear: () => void;
}

/** The rows of a room in their order, in whatever order they come. */
export const rowOrder = <R extends Placed>(): RowOrder<R> => {
  let rows: R[] = [];
  let back: { readonly first: R; readonly rows: R[] } | undefined;
  const keys = new Set<string>();

  const trim = (all: R[]) => {
    for (const old of all.splice(0, all.length - KEPT)) keys.delete(old.key);
  };

  const place = (row: R) => {
    let at = rows.length;
    const last = rows.at(-1);
    if (last !== undefined && isBefore(row, last)) {
      let low = 0;
      while (low < at) {
        const middle = (low + at) >> 1;
        const there = rows[middle];
        if (there !== undefined && !isBefore(row, there)) low = middle + 1;
        else at = middle;
      }
    }
    rows.splice(at, 0, row);
  };

  return {
    get rows() {
      return rows;
    },
    get isLookingBack() {
      return back !== undefined;
    },
    add: (row) => {
      const isNew = !keys.has(row.key);
      keys.add(row.key);
      if (back !== undefined && isBefore(row, back.first)) {
        if (isNew) back.rows.push(row);
        trim(back.rows);
        return false;
      }
      const isThere = back !== undefined && back.rows.length > 0;
      if (back !== undefined) rows = [...back.rows, ...rows];
      back = undefined;
      if (isNew) place(row);
      trim(rows);
      return isNew || isThere;
    },
    lookBack: () => {
      const [first] = rows;
      if (back === undefined && first !== undefined) back = { first, rows: [] };
    },
    clear: () => {
      rows = [];
      back = undefined;
      keys.clear();
    },
  };
};
