import { shown, visibleJson } from '../../terminal/visible.js';
import { writeError, writeOut } from '../../terminal/write.js';

/** How long, in ms, one hears nothing more of it after one was told. */
export const TOLD_EVERY = 5000;

export interface TellDroppedOptions {
  readonly room: string;
  /** Also as a line of JSON on standard output; docs/json.md describes it. */
  readonly json: boolean;
  /** Nothing on standard error. */
  readonly quiet: boolean;
}

/** Tells that lines were dropped, given how many in all, where they are more than was told before. */
export const tellDropped = ({ room, json, quiet }: TellDroppedOptions): ((total: number) => void) => {
  let told = 0;
  return (total) => {
    const count = total - told;
    if (count <= 0) return;
    told = total;
    if (!quiet) writeError(shown`rxchat: lines dropped: ${count}, so far ${total}`);
    if (json) writeOut(visibleJson({ v: 1, type: 'dropped', room, count, total }));
  };
};
