import { h } from '../lib/dom.js';
import { type Control, control } from '../lib/field.js';
import { errorSummary } from '../lib/summary.js';
import type { Field, FieldError, Fields, FieldValue } from '../types.js';

/** What a form needs from its surroundings. */
export interface FormHost {
  readonly locale: string;
  readonly currency: string;
  readonly values: Fields;
  /** A value changed: save it. */
  change(field: Field, value: FieldValue | undefined): void;
  /** A control was left: validate it and call `fail` with what is wrong, or `undefined`. */
  leave(field: Field, values: Fields, fail: (message: string | undefined) => void): void;
}

/** Some fields, their controls, and the summary of what is wrong with them. */
export class FormView {
  readonly element: HTMLElement;
  private readonly controls: readonly Control[];
  private readonly summary = h('div');

  constructor(fields: readonly Field[], host: FormHost) {
    this.controls = fields.map((field) =>
      control(field, {
        locale: host.locale,
        currency: host.currency,
        value: host.values[field.id],
        change: (made) => host.change(field, made.read()),
        // An empty control that was only passed through is not yet wrong.
        leave: (made) => {
          if (made.read() !== undefined) host.leave(field, this.values(), (message) => made.fail(message));
        },
      }),
    );
    this.element = h('div', { class: 'stack' }, this.summary, ...this.controls.map((each) => each.element));
    this.summary.hidden = true;
  }

  values(): Fields {
    const values: Record<string, FieldValue> = {};
    for (const each of this.controls) {
      const value = each.read();
      if (value !== undefined) values[each.field.id] = value;
    }
    return values;
  }

  /** Shows all errors at their fields and in the summary, and moves the focus to the summary. True when there are any. */
  fail(errors: readonly FieldError[]): boolean {
    const failures = this.controls.flatMap((each) => {
      const error = errors.find((candidate) => candidate.field === each.field.id);
      each.fail(error?.message);
      return error === undefined ? [] : [{ control: each, message: error.message }];
    });
    this.summary.hidden = failures.length === 0;
    if (failures.length === 0) {
      this.summary.replaceChildren();
      return false;
    }
    const list = errorSummary(failures);
    this.summary.replaceChildren(list);
    list.focus();
    return true;
  }
}
