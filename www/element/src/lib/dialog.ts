import { h, svg, uniqueId } from './dom.js';

/** A modal dialog with a heading and a close button; Escape closes it and the focus goes back to where it came from. */
export function openDialog(host: ShadowRoot, title: string, content: HTMLElement): void {
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
}
