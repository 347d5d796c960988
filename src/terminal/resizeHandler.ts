import { asyncScheduler, Subscription } from 'rxjs';
import type { SafeText } from '../text/sanitize.js';
import { guard } from '../util/guard.js';
import type { Frame } from './editor/layout.js';
import { CURSOR_QUERY, isReflowKnown, reflowChangesRows, reflowEvidence } from './frame.js';

/** Time, in ms, without a resize after which a size counts as final. Dragging a border causes many. */
const RESIZE_SETTLE_MS = 60;

/** Timeout, in ms, for the terminal to report its cursor position. */
const CURSOR_REPLY_MS = 200;

/** Maximum delay, in ms, of the notice of a resize; tmux delays it by 250 ms. */
const RESIZE_NOTICE_MS = 400;

/** Redraws the frame after a resize. */
interface ResizeHandler {
  /** Whether the terminal is known to rewrap its rows when its width changes. */
  readonly isReflowing: boolean;
  /** Whether a final size or a reply of the terminal is due. Nothing is drawn meanwhile. */
  readonly isPending: boolean;
  readonly onResize: () => void;
  /** Handles the column of the cursor, as the terminal reports it. */
  readonly onCursorReport: (column: number) => void;
  /** Stops waiting. */
  readonly cancel: () => void;
}

/** Options of `resizeHandler`. */
interface ResizeHandlerOptions {
  /** Returns the frame that is on the screen. */
  readonly frame: () => Frame | undefined;
  readonly columns: () => number;
  readonly write: (text: SafeText) => void;
  /** Draws over the old frame, which the terminal has rewrapped (`isWrapped`) or cut. */
  readonly draw: (isWrapped: boolean) => void;
  /** Called with each error of a timer. */
  readonly onError: (error: unknown) => void;
}

/**
 * Creates the handler of resizes. It waits until the size is final. If the old frame may have other rows now, it asks the
 * terminal for the cursor position, to learn whether the terminal rewraps.
 */
export const resizeHandler = ({
  frame,
  columns,
  write,
  draw,
  onError,
}: ResizeHandlerOptions): ResizeHandler => {
  let reflows = isReflowKnown(process.env);
  let timer = Subscription.EMPTY;
  let awaitsReply = false;
  let hasReplies = true;
  /** Reported column of the cursor, until the report of the last column arrives. */
  let reportedColumn: number | undefined;

  const redraw = (isWrapped = reflows) => {
    awaitsReply = false;
    timer.unsubscribe();
    draw(isWrapped);
  };
  const onSettled = () => {
    const current = frame();
    awaitsReply = current !== undefined && hasReplies && reflowChangesRows(current, columns());
    if (!awaitsReply) {
      redraw();
      return;
    }
    reportedColumn = undefined;
    write(CURSOR_QUERY);
    timer = asyncScheduler.schedule(
      guard(() => {
        hasReplies = false;
        redraw();
      }, onError),
      CURSOR_REPLY_MS,
    );
  };

  return {
    get isReflowing() {
      return reflows;
    },
    get isPending() {
      return !timer.closed;
    },
    onResize: () => {
      timer.unsubscribe();
      timer = asyncScheduler.schedule(guard(onSettled, onError), RESIZE_SETTLE_MS);
    },
    onCursorReport: (column) => {
      const current = frame();
      if (!awaitsReply || current === undefined) return;
      if (reportedColumn === undefined) {
        reportedColumn = column;
        return;
      }
      if (column !== columns() - 1) {
        // The width has changed again, and a resize event will follow.
        awaitsReply = false;
        timer.unsubscribe();
        timer = asyncScheduler.schedule(
          guard(() => {
            redraw(false);
          }, onError),
          RESIZE_NOTICE_MS,
        );
        return;
      }
      const { matchesWrapped, matchesCut } = reflowEvidence(current, columns(), reportedColumn);
      if (matchesWrapped !== matchesCut) reflows = matchesWrapped;
      redraw((matchesWrapped || matchesCut) && reflows);
    },
    cancel: () => {
      timer.unsubscribe();
    },
  };
};
