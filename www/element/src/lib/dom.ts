/** Builds DOM trees without markup strings, so that no text from a server or a cart is ever parsed as HTML. */

type Child = Node | string | null | undefined | false;

/** Attributes by name; `true` writes an empty attribute, `false` and `undefined` write none. `on` adds listeners. */
export interface Attributes {
  readonly [name: string]: string | number | boolean | undefined | Listeners;
  readonly on?: Listeners;
}

type Listeners = { readonly [event: string]: (event: Event) => void };

/** Makes an HTML element with attributes, listeners and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  decorate(element, attributes);
  append(element, children);
  return element;
}

/** Makes an SVG element; presentation goes through attributes and classes, which a strict CSP allows. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  decorate(element, attributes);
  append(element, children);
  return element;
}

function decorate(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value as Listeners)) {
        element.addEventListener(event, listener);
      }
    } else if (value === true) {
      element.setAttribute(name, '');
    } else if (value !== false && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
}

function append(element: Element, children: Child[]): void {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

let ids = 0;

/** An id unique in this document, for labels, descriptions and error messages. */
export function uniqueId(prefix: string): string {
  ids += 1;
  return `${prefix}-${ids}`;
}

/** Ticks and arrows are drawn, not typed, so that they look the same in every system font. */
export function icon(path: string, label?: string): SVGSVGElement {
  return svg(
    'svg',
    {
      class: 'icon',
      viewBox: '0 0 24 24',
      'aria-hidden': label === undefined ? 'true' : undefined,
      role: label === undefined ? undefined : 'img',
      'aria-label': label,
    },
    svg('path', { d: path }),
  );
}

export const ICONS = {
  tick: 'M4.5 12.5l5 5 10-11',
  warning: 'M12 4.5l8.5 15h-17zM12 10v4.5M12 16.9v.2',
  person: 'M12 12a4 4 0 100-8 4 4 0 000 8zM4.5 20c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5',
  stop: 'M12 21a9 9 0 100-18 9 9 0 000 18zM8 12h8',
} as const;
