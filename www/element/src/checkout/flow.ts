import type { Client } from 'prequal';
import type { Application, Booking, Decision, Estimate, Field, FieldError, Form, Step } from '../types.js';
import type { Draft } from './draft.js';
import type { Claims } from './token.js';

/** What the checkout asks of the core, the edge and the server, without any of its looks. */
export class Flow {
  /** Consents stand alone on the first view, wherever the bundle's form has them. */
  readonly consents: readonly Field[];
  /** The form's steps without consents, and without steps that held nothing else. */
  readonly steps: readonly Step[];

  constructor(
    readonly client: Client,
    readonly form: Form,
    readonly claims: Claims,
    readonly token: string,
    readonly draft: Draft,
  ) {
    this.consents = form.steps.flatMap((step) => step.fields.filter((field) => field.type === 'consent'));
    this.steps = form.steps
      .map((step) => ({ ...step, fields: step.fields.filter((field) => field.type !== 'consent') }))
      .filter((step) => step.fields.length > 0);
  }

  get order(): { amount: number; currency: string } {
    return { amount: this.claims.amount, currency: this.claims.currency };
  }

  /** What is wrong with one step's answers, or with all of them. */
  async check(step?: Step): Promise<readonly FieldError[]> {
    const { errors } = await this.client.validate({
      order: this.order,
      fields: this.draft.fields,
      ...(step === undefined ? {} : { step: step.id }),
    });
    return errors;
  }

  /** The first step with an error, by index; -1 when the errors lie elsewhere. */
  stepOf(errors: readonly FieldError[]): number {
    return this.steps.findIndex((step) =>
      step.fields.some((field) => errors.some((error) => error.field === field.id)),
    );
  }

  estimate(): Promise<Estimate> {
    return this.client.prequalify({ order: this.order, fields: this.draft.fields });
  }

  async requestOffers(): Promise<Application> {
    const consents = await Promise.all(
      this.consents
        .filter((field) => this.draft.consents[field.id] !== undefined)
        .map(async (field) => ({
          purpose: field.id,
          text_hash: await sha256(field.label),
          given_at: this.draft.consents[field.id] ?? '',
        })),
    );
    return this.client.requestOffers({ checkout_token: this.token, fields: this.draft.fields, consents });
  }

  /** @throws {AgreementDiffers} when what would be signed is not what was chosen */
  async submit(): Promise<Decision> {
    const application = this.draft.application;
    const offer = application?.offers.find((each) => each.offer_id === this.draft.chosen);
    if (
      application?.application_id === undefined ||
      application.capability === undefined ||
      offer === undefined
    ) {
      throw new Error('there is no offer to hand in');
    }
    const decision = await this.client.submit(application.application_id, application.capability, offer.jws);
    const agreement = decision.agreement;
    if (agreement !== undefined) {
      const same =
        agreement.offer.terms_hash === offer.terms_hash && agreement.hash === (await sha256(agreement.text));
      if (!same) throw new AgreementDiffers();
    }
    return decision;
  }

  sign(name: string): Promise<Booking> {
    const { application, decision } = this.draft;
    if (
      application?.application_id === undefined ||
      application.capability === undefined ||
      decision?.agreement === undefined
    ) {
      throw new Error('there is no agreement to sign');
    }
    this.draft.sign_key ??= crypto.randomUUID();
    return this.client.sign(
      application.application_id,
      application.capability,
      {
        decision_id: decision.decision_id,
        agreement_hash: decision.agreement.hash,
        signature: { method: 'typed_name', name },
      },
      { idempotencyKey: this.draft.sign_key },
    );
  }
}

/** The agreement that arrived is not for the chosen offer, or not the text its hash names. */
export class AgreementDiffers extends Error {}

/** Lower-case hex SHA-256 of a text's UTF-8 bytes. */
export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Whole seconds, as all instants here. */
export function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
