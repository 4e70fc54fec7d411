import { h } from './dom.js';
import { styles } from './styles.js';

/** Outside a browser (a server that renders pages) the elements can be imported, and are never constructed. */
const Root: typeof HTMLElement =
  typeof HTMLElement === 'undefined' ? (class {} as unknown as typeof HTMLElement) : HTMLElement;

/** What all three elements share: the shadow root, one stage for the current view, one polite live region. */
export abstract class PrequalElement extends Root {
  /** Where the current view stands. */
  protected readonly stage: HTMLElement;
  private readonly live: HTMLElement;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open', delegatesFocus: false });
    root.adoptedStyleSheets = [styles()];
    this.stage = h('div', { class: 'stage' });
    this.live = h('p', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });
    root.append(this.stage, this.live);
  }

  /** The reader's locale: the nearest `lang`, else United States English, the language of the texts. */
  protected get locale(): string {
    const lang = this.closest('[lang]')?.getAttribute('lang') ?? '';
    try {
      const [known] = Intl.getCanonicalLocales(lang === 'en' || lang === '' ? 'en-US' : lang);
      return known ?? 'en-US';
    } catch {
      return 'en-US';
    }
  }

  /** Replaces the view. `focus` moves to the view's heading, so that keyboard and screen reader follow. */
  protected show(view: HTMLElement, focus: boolean): void {
    this.stage.replaceChildren(view);
    if (focus) {
      // What was being done is done; the heading that gets the focus says what came of it.
      this.live.textContent = '';
      const target = view.querySelector<HTMLElement>('[data-focus]');
      target?.focus({ preventScroll: true });
      this.scrollIntoView({ block: 'nearest', behavior: 'auto' });
      if (this.getBoundingClientRect().top < 0) this.scrollIntoView({ block: 'start', behavior: 'auto' });
    }
  }

  /** Says something once, politely, without moving the focus. */
  protected announce(text: string): void {
    if (this.live.textContent === text) this.live.textContent = '';
    this.live.textContent = text;
  }

  /** Tells the merchant's page; the detail holds ids and amounts only, never personal data. */
  protected tell(type: string, detail: Readonly<Record<string, string | number>>): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  /** An attribute without surrounding space; `undefined` when absent or empty. */
  protected text(name: string): string | undefined {
    const value = this.getAttribute(name)?.trim();
    return value === undefined || value === '' ? undefined : value;
  }
}

/** The heading of a view: focusable by script, so that a new view is read from its top. */
export function heading(text: string, before?: Node | string): HTMLElement {
  return h(
    'div',
    { class: 'heading' },
    typeof before === 'string' ? h('p', { class: 'step' }, before) : before,
    h('h2', { tabindex: '-1', 'data-focus': true }, text),
  );
}

/** A button; `busy` keeps it in place and focused while something runs. */
export function button(
  label: string,
  kind: 'primary' | 'secondary' | 'link',
  press: (button: HTMLButtonElement) => void,
): HTMLButtonElement {
  const element = h('button', { type: 'button', class: kind === 'link' ? 'link' : `button ${kind}` }, label);
  element.addEventListener('click', () => {
    if (element.getAttribute('aria-disabled') !== 'true') press(element);
  });
  return element;
}

/** Marks a button as working; the words say what is happening, the spinner only repeats it. */
export function busy(element: HTMLButtonElement, label: string): () => void {
  const before = [...element.childNodes];
  element.setAttribute('aria-disabled', 'true');
  element.replaceChildren(h('span', { class: 'spinner', 'aria-hidden': 'true' }), label);
  return () => {
    element.removeAttribute('aria-disabled');
    element.replaceChildren(...before);
  };
}
