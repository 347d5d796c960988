/** Returns the element with an id. Throws if the page does not have it. */
export const byId = <E extends HTMLElement>(id: string, kind: new () => E): E => {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new TypeError(`the page has no #${id}`);
  return element;
};

/** Creates an element with a class and children. Strings become text nodes. */
export const createElement = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = '',
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] => {
  const element = document.createElement(name);
  if (className !== '') element.className = className;
  element.append(...children);
  return element;
};

/** Shows a text in an element, or hides the element if the text is `undefined`. */
export const setText = (element: HTMLElement, text: string | undefined): void => {
  element.hidden = text === undefined;
  element.textContent = text ?? '';
};
