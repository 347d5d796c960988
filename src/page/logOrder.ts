/** Orders rows of several logs. The positions of a log start again when the room has another invite. */
export interface LogOrder {
  /** Starts with another log, if it is another. */
  readonly onWelcome: (log: string) => void;
  /** Returns a position that is larger than all positions of earlier logs. */
  readonly positionOf: (position: number) => number;
  /** Moves a row behind all rows of earlier logs. */
  readonly place: <R extends { readonly key: string; readonly position: number }>(row: R) => R;
}

export const createLogOrder = (): LogOrder => {
  let log: string | undefined;
  let offset = 0;
  let end = 0;

  const positionOf = (position: number): number => {
    end = Math.max(end, offset + position);
    return offset + position;
  };
  return {
    onWelcome: (next) => {
      if (log !== undefined && log !== next) offset = end;
      log = next;
    },
    positionOf,
    place: (row) => ({ ...row, key: `${offset}.${row.key}`, position: positionOf(row.position) }),
  };
};
