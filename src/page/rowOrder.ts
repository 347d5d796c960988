/** A row with its position in the room. */
interface OrderedRow {
  readonly key: string;
  readonly position: number;
  readonly index: number;
}

/** Maximum number of rows in memory. */
export const MAX_ROWS = 50_000;

const isBefore = (one: OrderedRow, other: OrderedRow): boolean =>
  one.position !== other.position ? one.position < other.position : one.index < other.index;

export interface RowOrder<R extends OrderedRow> {
  /** All rows once, in order, the newest `MAX_ROWS`. */
  readonly rows: readonly R[];
  /** Inserts a row, and returns whether `rows` changed. */
  readonly add: (row: R) => boolean;
  /**
   * Expects all rows again from an earlier position. The older rows appear in `rows` once they are contiguous
   * with the existing ones, so that no gap is shown as adjacent lines.
   */
  readonly startLoadingOlder: () => void;
  readonly isLoadingOlder: boolean;
  readonly clear: () => void;
}

/** Keeps the rows of a room in order, whatever the order of insertion. */
export const rowOrder = <R extends OrderedRow>(): RowOrder<R> => {
  let rows: R[] = [];
  let older: { readonly first: R; readonly rows: R[] } | undefined;
  const keys = new Set<string>();

  const trim = (all: R[]) => {
    for (const old of all.splice(0, all.length - MAX_ROWS)) keys.delete(old.key);
  };

  const insert = (row: R) => {
    let at = rows.length;
    const last = rows.at(-1);
    if (last !== undefined && isBefore(row, last)) {
      let low = 0;
      while (low < at) {
        const middle = (low + at) >> 1;
        const candidate = rows[middle];
        if (candidate !== undefined && !isBefore(row, candidate)) low = middle + 1;
        else at = middle;
      }
    }
    rows.splice(at, 0, row);
  };

  return {
    get rows() {
      return rows;
    },
    get isLoadingOlder() {
      return older !== undefined;
    },
    add: (row) => {
      const isNew = !keys.has(row.key);
      keys.add(row.key);
      if (older !== undefined && isBefore(row, older.first)) {
        if (isNew) older.rows.push(row);
        trim(older.rows);
        return false;
      }
      const hasOlder = older !== undefined && older.rows.length > 0;
      if (older !== undefined) rows = [...older.rows, ...rows];
      older = undefined;
      if (isNew) insert(row);
      trim(rows);
      return isNew || hasOlder;
    },
    startLoadingOlder: () => {
      const [first] = rows;
      if (older === undefined && first !== undefined) older = { first, rows: [] };
    },
    clear: () => {
      rows = [];
      older = undefined;
      keys.clear();
    },
  };
};
