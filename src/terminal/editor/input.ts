/** What comes from the keyboard. */
export type Input =
  | { readonly type: 'text'; readonly text: string }
  /** A key by its name: `C-a`, `M-b`, `Enter`, `M-Enter`, `Up`, `C-Left`. */
  | { readonly type: 'key'; readonly name: string }
  /** What was pasted, as a whole; `cut`: it was longer than is taken; `unfinished`: its end did not come. */
  | {
      readonly type: 'paste';
      readonly text: string;
      readonly cut: boolean;
      readonly unfinished?: true;
    }
  /** A paste goes on; `long`: it is longer than is taken. */
  | { readonly type: 'pasting'; readonly long: boolean };

/** Where the cursor is, as the terminal answers when it is asked; the first column is 0. */
export interface CursorReport {
  readonly type: 'cursor';
  readonly column: number;
}
