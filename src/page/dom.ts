/** The element of the page with this id, which is there. */
export const byId = <E extends HTMLElement>(id: string, kind: new () => E): E => {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new TypeError(`the page has no #${id}`);
  return element;
};

/** A new element with a class and children; texts become text, whatever they hold. */
export const make = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = '',
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] => {
  const element = document.createElement(name);
  if (className !== '') element.className = className;
  element.append(...children);
  return element;
};

/** Shows a text in an element, or hides it where there is none. */
export const tell = (element: HTMLElement, text: string | undefined): void => {
  element.hidden = text === undefined;
  element.textContent = text ?? '';
};
