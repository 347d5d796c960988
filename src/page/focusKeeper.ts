const FOCUSABLE = 'button, a';

/** Which control of which child of a list has the focus. */
interface FocusedControl {
  readonly childIndex: number;
  readonly controlIndex: number;
}

export interface FocusKeeper {
  /** Stores which control of the list has the focus. Call it before children are removed. */
  readonly remember: () => void;
  /**
   * Focuses the control at the stored place if its child was removed, or else the nearest one.
   * If the list has no control, the next call tries again, unless something else has the focus by then.
   */
  readonly restore: () => void;
}

/**
 * Keeps the focus in a list whose children are replaced. The browser moves the focus to the start of the page
 * when the focused element is removed, so that a keyboard user would lose the place in the list.
 */
export const createFocusKeeper = (list: HTMLElement): FocusKeeper => {
  let lost: FocusedControl | undefined;

  const controlsOf = (child: Element | undefined) => [
    ...(child?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? []),
  ];

  return {
    remember: () => {
      const focused = document.activeElement;
      const children = [...list.children];
      const childIndex = children.findIndex((child) => child.contains(focused));
      if (childIndex < 0) return;
      const controlIndex = controlsOf(children[childIndex]).findIndex((control) => control === focused);
      lost = { childIndex, controlIndex: Math.max(0, controlIndex) };
    },
    restore: () => {
      if (lost === undefined) return;
      const hasFocus = document.activeElement !== null && document.activeElement !== document.body;
      if (hasFocus) {
        lost = undefined;
        return;
      }
      const { childIndex, controlIndex } = lost;
      const nearest = [...list.children]
        .map((child, index) => ({ controls: controlsOf(child), distance: Math.abs(index - childIndex) }))
        .filter(({ controls }) => controls.length > 0)
        .sort((one, other) => one.distance - other.distance)[0];
      if (nearest === undefined) return;
      const { controls, distance } = nearest;
      const control = (distance === 0 ? controls[controlIndex] : undefined) ?? controls[0];
      control?.focus({ preventScroll: true });
      lost = undefined;
    },
  };
};
