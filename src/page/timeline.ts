import { formatDay, dayNumber } from '../text/format.js';
import { createFocusKeeper } from './focusKeeper.js';
import { rowOrder } from './rowOrder.js';
import type { Row } from './rows.js';

/** Maximum number of rows in the page. */
const MAX_VISIBLE_ROWS = 200;
const SHIFT_ROWS = 80;

/** Distance in pixels from an end of the list at which the window moves. */
const NEAR_PX = 300;
const AT_END_PX = 40;

export interface Timeline {
  readonly add: (row: Row) => void;
  /** Sets the rows after all others: messages without a position. */
  readonly setTail: (rows: readonly Row[]) => void;
  readonly clear: () => void;
  /** Renders the visible rows again after a key was verified. */
  readonly redraw: () => void;
  readonly scrollToEnd: () => void;
}

/**
 * Renders a window of the rows of a room. It follows the newest row, or stays at the scroll position and moves
 * when the user reaches its end. Calls `more` at the beginning of the rows.
 */
export const createTimeline = (
  list: HTMLElement,
  { more, onUnread }: { readonly more: () => boolean; readonly onUnread: (isUnread: boolean) => void },
): Timeline => {
  const order = rowOrder<Row>();
  let tail: readonly Row[] = [];
  const elements = new Map<string, HTMLElement>();
  /** First row of the window; `undefined` if the window follows the newest row. */
  let top: Row | undefined;
  let isRenderScheduled = false;
  const focusKeeper = createFocusKeeper(list);

  const all = () => [...order.rows, ...tail];

  const loadOlder = () => {
    if (!order.isLoadingOlder && more()) order.startLoadingOlder();
  };

  const render = () => {
    isRenderScheduled = false;
    const rows = all();
    const from =
      top === undefined ? Math.max(0, rows.length - MAX_VISIBLE_ROWS) : Math.max(0, rows.indexOf(top));
    const visibleRows = rows.slice(from, from + MAX_VISIBLE_ROWS);
    const wanted = new Set(visibleRows.map(({ key }) => key));
    const anchorRow = anchor();
    focusKeeper.remember();
    // Screen readers should not announce old messages.
    list.ariaBusy = String(top !== undefined);
    for (const [key, element] of elements)
      if (!wanted.has(key)) {
        element.remove();
        elements.delete(key);
      }
    let next = list.firstElementChild;
    let lastTime = rows.slice(0, from).findLast(({ time }) => time !== undefined)?.time ?? Date.now();
    for (const row of visibleRows) {
      const element = elements.get(row.key) ?? row.render();
      elements.set(row.key, element);
      if (row.time !== undefined) {
        if (dayNumber(row.time) === dayNumber(lastTime)) delete element.dataset['day'];
        else element.dataset['day'] = formatDay(row.time);
        lastTime = row.time;
      }
      if (element === next) next = next.nextElementSibling;
      else list.insertBefore(element, next);
    }
    list.ariaBusy = 'false';
    focusKeeper.restore();
    if (top === undefined) list.scrollTop = list.scrollHeight;
    else if (anchorRow?.element.isConnected === true)
      list.scrollTop += anchorRow.element.getBoundingClientRect().top - anchorRow.top;
    onUnread(top !== undefined && from + visibleRows.length < rows.length);
    const isAtTop = list.scrollHeight <= list.clientHeight || (top !== undefined && list.scrollTop < NEAR_PX);
    if (!isAtTop || rows.length === 0) return;
    if (from > 0 && top !== undefined) moveTo(from - SHIFT_ROWS);
    else if (from === 0) loadOlder();
  };

  /** Returns the first visible row and its offset. */
  const anchor = (): { readonly element: Element; readonly top: number } | undefined => {
    const edge = list.getBoundingClientRect().top;
    for (const element of list.children) {
      const { top: at, bottom } = element.getBoundingClientRect();
      if (bottom > edge) return { element, top: at };
    }
    return undefined;
  };

  const scheduleRender = () => {
    if (isRenderScheduled) return;
    isRenderScheduled = true;
    // After all events that arrived together.
    setTimeout(render);
  };

  const moveTo = (from: number) => {
    top = all()[Math.max(0, from)];
    scheduleRender();
  };

  list.addEventListener('scroll', () => {
    const rows = all();
    const below = list.scrollHeight - list.scrollTop - list.clientHeight;
    const from = top === undefined ? Math.max(0, rows.length - MAX_VISIBLE_ROWS) : rows.indexOf(top);
    const isLast = from + MAX_VISIBLE_ROWS >= rows.length;
    if (below <= AT_END_PX && isLast) {
      if (top !== undefined) {
        top = undefined;
        scheduleRender();
      }
      return;
    }
    // Older rows are loading; keep the scroll position.
    top ??= rows[from];
    if (list.scrollTop < NEAR_PX && from > 0) moveTo(from - SHIFT_ROWS);
    else if (list.scrollTop < NEAR_PX) loadOlder();
    else if (below < NEAR_PX && !isLast) moveTo(from + SHIFT_ROWS);
  });

  return {
    add: (row) => {
      if (order.add(row)) scheduleRender();
    },
    setTail: (waiting) => {
      tail = waiting;
      scheduleRender();
    },
    clear: () => {
      order.clear();
      top = undefined;
      scheduleRender();
    },
    redraw: () => {
      focusKeeper.remember();
      for (const element of elements.values()) element.remove();
      elements.clear();
      render();
    },
    scrollToEnd: () => {
      top = undefined;
      render();
    },
  };
};
