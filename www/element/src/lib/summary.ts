import { h, uniqueId } from './dom.js';
import type { Control } from './field.js';

/** One error and the control it belongs to. */
export interface Failure {
  readonly control: Control;
  readonly message: string;
}

/**
 * The list of everything that is wrong with a step, each line leading to its field. The caller moves the focus here; it
 * is then read once, without an assertive live region.
 */
export function errorSummary(failures: readonly Failure[]): HTMLElement {
  const title = h(
    'h3',
    { id: uniqueId('summary') },
    failures.length === 1 ? 'One thing to correct' : `${failures.length} things to correct`,
  );
  return h(
    'div',
    { class: 'summary', role: 'group', tabindex: '-1', 'aria-labelledby': title.id },
    title,
    h(
      'ul',
      {},
      ...failures.map((failure) => {
        const { control } = failure;
        const link = h('button', { type: 'button', class: 'link' }, lineOf(failure));
        link.addEventListener('click', () => control.focus());
        return h('li', {}, link);
      }),
    ),
  );
}

/** A consent's label is the whole sentence to agree to: it says by itself what is missing. */
function lineOf({ control, message }: Failure): string {
  const { type, purpose, label } = control.field;
  // Without a purpose nothing is agreed to, only said.
  if (type === 'consent') return `Not ${purpose === undefined ? 'ticked' : 'agreed to'} yet: “${label}”`;
  return `${control.field.label}: ${message}`;
}
