import { day, dayNumber } from '../cli/chat/clock.js';
import { rowOrder } from './rowOrder.js';
import type { Row } from './rows.js';

/** So many lines are in the page at most. */
const SHOWN = 200;
const SHIFT = 80;

/** So near, in pixels, to an end of the list it moves on. */
const NEAR = 300;
const AT_END = 40;

export interface Timeline {
  readonly add: (row: Row) => void;
  /** Behind all that has a place: what has none yet. */
  readonly setTail: (rows: readonly Row[]) => void;
  readonly clear: () => void;
  /** Draws what is shown anew: whose key is verified has changed. */
  readonly redraw: () => void;
  readonly toEnd: () => void;
}

/**
 * The lines of a room in their order, of which a window is in the page: it follows the newest, or stays where somebody
 * reads, and moves when they come to its end. `more` is called at the very beginning.
 */
export const timeline = (
  list: HTMLElement,
  { more, onUnread }: { readonly more: () => boolean; readonly onUnread: (isUnread: boolean) => void },
): Timeline => {
  const order = rowOrder<Row>();
  let tail: readonly Row[] = [];
  const drawn = new Map<string, HTMLElement>();
  /** The row that the window begins with; `undefined`: it ends with the newest. */
  let top: Row | undefined;
  let isDue = false;

  const all = () => [...order.rows, ...tail];

  const lookBack = () => {
    if (!order.isLookingBack && more()) order.lookBack();
  };

  const render = () => {
    isDue = false;
    const every = all();
    const from = top === undefined ? Math.max(0, every.length - SHOWN) : Math.max(0, every.indexOf(top));
    const shown = every.slice(from, from + SHOWN);
    const wanted = new Set(shown.map(({ key }) => key));
    const fixed = anchor();
    // What was said long ago is no news to who listens.
    list.ariaBusy = String(top !== undefined);
    for (const [key, element] of drawn)
      if (!wanted.has(key)) {
        element.remove();
        drawn.delete(key);
      }
    let next = list.firstElementChild;
    let said = every.slice(0, from).findLast(({ time }) => time !== undefined)?.time ?? Date.now();
    for (const row of shown) {
      const element = drawn.get(row.key) ?? row.draw();
      drawn.set(row.key, element);
      if (row.time !== undefined) {
        if (dayNumber(row.time) === dayNumber(said)) delete element.dataset['day'];
        else element.dataset['day'] = day(row.time);
        said = row.time;
      }
      if (element === next) next = next.nextElementSibling;
      else list.insertBefore(element, next);
    }
    list.ariaBusy = 'false';
    if (top === undefined) list.scrollTop = list.scrollHeight;
    else if (fixed?.element.isConnected === true)
      list.scrollTop += fixed.element.getBoundingClientRect().top - fixed.top;
    onUnread(top !== undefined && from + shown.length < every.length);
    const isAtTop = list.scrollHeight <= list.clientHeight || (top !== undefined && list.scrollTop < NEAR);
    if (!isAtTop || every.length === 0) return;
    if (from > 0 && top !== undefined) moveTo(from - SHIFT);
    else if (from === 0) lookBack();
  };

  /** The first line that can be seen, and where. */
  const anchor = (): { readonly element: Element; readonly top: number } | undefined => {
    const edge = list.getBoundingClientRect().top;
    for (const element of list.children) {
      const { top: at, bottom } = element.getBoundingClientRect();
      if (bottom > edge) return { element, top: at };
    }
    return undefined;
  };

  const soon = () => {
    if (isDue) return;
    isDue = true;
    // After all of what came together.
    setTimeout(render);
  };

  const moveTo = (from: number) => {
    top = all()[Math.max(0, from)];
    soon();
  };

  list.addEventListener('scroll', () => {
    const every = all();
    const below = list.scrollHeight - list.scrollTop - list.clientHeight;
    const from = top === undefined ? Math.max(0, every.length - SHOWN) : every.indexOf(top);
    const isLast = from + SHOWN >= every.length;
    if (below <= AT_END && isLast) {
      if (top !== undefined) {
        top = undefined;
        soon();
      }
      return;
    }
    // A look back is under way: what comes keeps the place.
    top ??= every[from];
    if (list.scrollTop < NEAR && from > 0) moveTo(from - SHIFT);
    else if (list.scrollTop < NEAR) lookBack();
    else if (below < NEAR && !isLast) moveTo(from + SHIFT);
  });

  return {
    add: (row) => {
      if (order.add(row)) soon();
    },
    setTail: (waiting) => {
      tail = waiting;
      soon();
    },
    clear: () => {
      order.clear();
      top = undefined;
      soon();
    },
    redraw: () => {
      for (const element of drawn.values()) element.remove();
      drawn.clear();
      render();
    },
    toEnd: () => {
      top = undefined;
      render();
    },
  };
};
