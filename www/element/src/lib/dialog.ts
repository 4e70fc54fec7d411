import { button } from './base.js';
import { h, svg, uniqueId } from './dom.js';

/** A modal dialog with a heading and a close button; Escape closes it and the focus goes back to where it came from. */
export function openDialog(host: ShadowRoot, title: string, content: HTMLElement): HTMLDialogElement {
  const label = h('h2', { id: uniqueId('dialog'), tabindex: '-1' }, title);
  const close = h(
    'button',
    { type: 'button', class: 'close', 'aria-label': 'Close' },
    svg(
      'svg',
      { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' },
      svg('path', { d: 'M6 6l12 12M18 6L6 18' }),
    ),
  );
  const dialog = h(
    'dialog',
    { 'aria-labelledby': label.id },
    h('div', { class: 'stack' }, h('div', { class: 'bar' }, label, close), content),
  );
  const before = host.activeElement;
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (before instanceof HTMLElement) before.focus();
  });
  host.append(dialog);
  dialog.showModal();
  label.focus();
  return dialog;
}

/** Asks before something is given up. Closing the dialog is staying. */
export function openQuestion(
  host: ShadowRoot,
  question: { title: string; text: string; stay: string; go: string },
  act: () => void,
): void {
  const actions = h('div', { class: 'actions' });
  const content = h('div', { class: 'stack' }, h('p', {}, question.text), actions);
  const dialog = openDialog(host, question.title, content);
  actions.append(
    button(question.stay, 'secondary', () => dialog.close()),
    button(question.go, 'primary', () => {
      dialog.close();
      act();
    }),
  );
}
