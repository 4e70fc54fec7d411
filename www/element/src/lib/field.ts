import type { Field, FieldValue } from '../types.js';
import { h, ICONS, icon, uniqueId } from './dom.js';
import { currencySymbol, decimal, parseMoney } from './format.js';

/** One control of the form: its element, its value, its error, and where the focus goes when it is wrong. */
export interface Control {
  readonly field: Field;
  readonly element: HTMLElement;
  /** The value to validate; `undefined` while empty. What cannot be read goes on as typed text, for a named error. */
  read(): FieldValue | undefined;
  /** Shows an error under the control, or removes it. */
  fail(message: string | undefined): void;
  focus(): void;
}

export interface FieldContext {
  readonly locale: string;
  readonly currency: string;
  readonly value: FieldValue | undefined;
  /** The person left the control, or chose: the moment to validate it. */
  readonly leave: (control: Control) => void;
  /** The value changed: the moment to save the draft. */
  readonly change: (control: Control) => void;
}

/** Makes the control that fits the field's type. */
export function control(field: Field, context: FieldContext): Control {
  switch (field.type) {
    case 'date':
      return dateControl(field, context);
    case 'choice':
      return (field.choices?.length ?? 0) > 6 ? selectControl(field, context) : radioControl(field, context);
    case 'consent':
      return consentControl(field, context);
    default:
      return textControl(field, context);
  }
}

interface Frame {
  readonly error: HTMLElement;
  readonly help: HTMLElement | undefined;
  readonly describedBy: string;
}

function frame(field: Field): Frame {
  const error = h('p', { class: 'error', id: uniqueId('error') });
  const help =
    field.help === undefined || field.help === ''
      ? undefined
      : h('p', { class: 'help', id: uniqueId('help') }, field.help);
  return { error, help, describedBy: help === undefined ? error.id : `${help.id} ${error.id}` };
}

function showError(error: HTMLElement, message: string | undefined): void {
  error.replaceChildren();
  if (message !== undefined) error.append(icon(ICONS.warning), h('span', {}, sentence(message)));
}

/** Messages are written to be put into sentences; on a page each stands alone. */
export function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/u.test(capital) ? capital : `${capital}.`;
}

interface InputKind {
  readonly type: string;
  readonly inputmode?: string;
  readonly autocomplete: string;
}

const INPUTS: Record<string, InputKind> = {
  person_name: { type: 'text', autocomplete: 'name' },
  email: { type: 'email', inputmode: 'email', autocomplete: 'email' },
  phone: { type: 'tel', inputmode: 'tel', autocomplete: 'tel' },
  money: { type: 'text', inputmode: 'decimal', autocomplete: 'off' },
  resident_id: { type: 'text', autocomplete: 'off' },
  text: { type: 'text', autocomplete: 'off' },
};
const ONE_TIME_CODE: InputKind = { type: 'text', inputmode: 'numeric', autocomplete: 'one-time-code' };

/** Six digits that stand for themselves, and not in a number or an id. */
const SIX_DIGITS = /(?<![\w-])\d{6}(?![\w-])/gu;

/** The code that was sent: of a message that was pasted whole, else all the digits that were typed. */
export function codeControl(field: Field, context: FieldContext): Control {
  const made = textControl(field, context, ONE_TIME_CODE);
  const read = () => {
    const text = String(made.read() ?? '');
    const found = [...text.matchAll(SIX_DIGITS)].map(([digits]) => digits);
    const digits = found.length === 1 ? found[0] : text.replaceAll(/\D/gu, '');
    return digits === '' ? undefined : digits;
  };
  return { ...made, read };
}

function textControl(
  field: Field,
  context: FieldContext,
  kind: InputKind = INPUTS[field.type] ?? { type: 'text', autocomplete: 'off' },
): Control {
  const { error, help, describedBy } = frame(field);
  const input = h('input', {
    class: 'input',
    id: uniqueId(field.id),
    name: field.id,
    type: kind.type,
    inputmode: kind.inputmode,
    autocomplete: kind.autocomplete,
    'aria-describedby': describedBy,
    'aria-required': field.required === false ? undefined : 'true',
    spellcheck: 'false',
    maxlength: 254,
  });
  input.value = present(field, context);
  const affixed =
    field.type === 'money'
      ? h(
          'div',
          { class: 'affix' },
          h('span', { 'aria-hidden': 'true' }, currencySymbol(context.currency, context.locale)),
          input,
        )
      : input;
  const element = h(
    'div',
    { class: 'field' },
    h('label', { for: input.id }, label(field)),
    help,
    affixed,
    error,
  );
  const made: Control = {
    field,
    element,
    read: () => readText(field, input.value, context),
    fail(message) {
      input.setAttribute('aria-invalid', message === undefined ? 'false' : 'true');
      showError(error, message);
    },
    focus: () => input.focus(),
  };
  input.addEventListener('blur', () => context.leave(made));
  input.addEventListener('input', () => context.change(made));
  return made;
}

function label(field: Field): string {
  return field.required === false ? `${field.label} (optional)` : field.label;
}

function present(field: Field, context: FieldContext): string {
  if (context.value === undefined) return '';
  if (field.type === 'money' && typeof context.value === 'number')
    return decimal(context.value, context.currency);
  return String(context.value);
}

function readText(field: Field, typed: string, context: FieldContext): FieldValue | undefined {
  const text = typed.trim();
  if (text === '') return undefined;
  if (field.type === 'money') return parseMoney(text, context.currency, context.locale) ?? text;
  // Spaces, dots, dashes and brackets only help a person to read a number; nothing else is guessed.
  if (field.type === 'phone') return text.replaceAll(/[\s().-]/gu, '');
  return text;
}

function dateControl(field: Field, context: FieldContext): Control {
  const { error, help, describedBy } = frame(field);
  const birth = field.id.includes('birth');
  const part = (name: 'month' | 'day' | 'year', text: string, size: number) => {
    const input = h('input', {
      class: `input ${size === 4 ? 'four' : 'two'}`,
      id: uniqueId(`${field.id}-${name}`),
      type: 'text',
      inputmode: 'numeric',
      maxlength: size,
      autocomplete: birth ? `bday-${name}` : 'off',
    });
    return { name, input, element: h('label', {}, text, input) };
  };
  const parts = [part('month', 'Month', 2), part('day', 'Day', 2), part('year', 'Year', 4)];
  const [month, day, year] = parts.map((each) => each.input) as [
    HTMLInputElement,
    HTMLInputElement,
    HTMLInputElement,
  ];
  const match = /^(\d{4})-(\d{2})-(\d{2})$/u.exec(String(context.value ?? ''));
  if (match !== null) {
    year.value = match[1] ?? '';
    month.value = match[2] ?? '';
    day.value = match[3] ?? '';
  }
  const element = h(
    'fieldset',
    { class: 'field', 'aria-describedby': describedBy },
    h('legend', {}, label(field)),
    help,
    h('div', { class: 'dates' }, ...parts.map((each) => each.element)),
    error,
  );
  const made: Control = {
    field,
    element,
    read() {
      if (parts.every(({ input }) => input.value.trim() === '')) return undefined;
      const two = (text: string) => text.trim().padStart(2, '0');
      return `${year.value.trim()}-${two(month.value)}-${two(day.value)}`;
    },
    fail(message) {
      for (const { input } of parts)
        input.setAttribute('aria-invalid', message === undefined ? 'false' : 'true');
      showError(error, message);
    },
    focus: () => month.focus(),
  };
  element.addEventListener('focusout', (event) => {
    // Going from month to day is not leaving the date.
    if (!(event.relatedTarget instanceof Node) || !element.contains(event.relatedTarget)) context.leave(made);
  });
  element.addEventListener('input', () => context.change(made));
  return made;
}

function selectControl(field: Field, context: FieldContext): Control {
  const { error, help, describedBy } = frame(field);
  const select = h(
    'select',
    {
      id: uniqueId(field.id),
      name: field.id,
      'aria-describedby': describedBy,
      'aria-required': field.required === false ? undefined : 'true',
    },
    h('option', { value: '' }, 'Choose'),
    ...(field.choices ?? []).map((choice) => h('option', { value: choice.value }, choice.label)),
  );
  select.value = String(context.value ?? '');
  const made: Control = {
    field,
    element: h('div', { class: 'field' }, h('label', { for: select.id }, label(field)), help, select, error),
    read: () => (select.value === '' ? undefined : select.value),
    fail(message) {
      select.setAttribute('aria-invalid', message === undefined ? 'false' : 'true');
      showError(error, message);
    },
    focus: () => select.focus(),
  };
  select.addEventListener('blur', () => context.leave(made));
  select.addEventListener('change', () => context.change(made));
  return made;
}

function radioControl(field: Field, context: FieldContext): Control {
  const { error, help, describedBy } = frame(field);
  const name = uniqueId(field.id);
  const inputs = (field.choices ?? []).map((choice) => {
    const input = h('input', { type: 'radio', name, value: choice.value, 'aria-describedby': describedBy });
    input.checked = context.value === choice.value;
    return { input, element: h('label', { class: 'choice' }, input, h('span', {}, choice.label)) };
  });
  const made: Control = {
    field,
    element: h(
      'fieldset',
      {
        class: 'group',
        role: 'radiogroup',
        'aria-describedby': describedBy,
        'aria-required': field.required === false ? undefined : 'true',
      },
      h('legend', {}, label(field)),
      help,
      ...inputs.map((each) => each.element),
      error,
    ),
    read: () => inputs.find(({ input }) => input.checked)?.input.value,
    fail(message) {
      made.element.setAttribute('aria-invalid', message === undefined ? 'false' : 'true');
      for (const each of inputs) each.element.toggleAttribute('data-invalid', message !== undefined);
      showError(error, message);
    },
    focus: () => (inputs.find(({ input }) => input.checked) ?? inputs[0])?.input.focus(),
  };
  made.element.addEventListener('focusout', (event) => {
    if (!(event.relatedTarget instanceof Node) || !made.element.contains(event.relatedTarget))
      context.leave(made);
  });
  made.element.addEventListener('change', () => {
    made.fail(undefined);
    context.change(made);
  });
  return made;
}

function consentControl(field: Field, context: FieldContext): Control {
  const { error, help, describedBy } = frame(field);
  const input = h('input', {
    type: 'checkbox',
    id: uniqueId(field.id),
    name: field.id,
    'aria-describedby': describedBy,
    'aria-required': field.required === false ? undefined : 'true',
  });
  input.checked = context.value === true;
  const box = h('label', { class: 'choice' }, input, h('span', {}, label(field)));
  const made: Control = {
    field,
    element: h('div', { class: 'field' }, box, help, error),
    read: () => (input.checked ? true : undefined),
    fail(message) {
      input.setAttribute('aria-invalid', message === undefined ? 'false' : 'true');
      box.toggleAttribute('data-invalid', message !== undefined);
      showError(error, message);
    },
    focus: () => input.focus(),
  };
  input.addEventListener('change', () => {
    if (input.checked) made.fail(undefined);
    context.change(made);
  });
  return made;
}
