import { type Consent, ProblemError } from 'prequal';
import type { Lender } from '../engine.js';
import { canonical, sha256 } from '../lib/canonical.js';
import type {
  Agreement,
  Application,
  Booking,
  Decision,
  Disclosure,
  Estimate,
  Field,
  FieldError,
  Fields,
  FieldValue,
  Form,
  Signature,
  Signing,
  Step,
} from '../types.js';
import type { Draft, Phase } from './draft.js';
import { Journey } from './journey.js';
import type { Claims } from './token.js';

/** What the checkout asks of the core, the edge and the server, without any of its looks. */
export class Flow {
  /** Consents stand alone on the first view, wherever the bundle's form has them. */
  readonly consents: readonly Field[];
  /** The form's steps without consents, and without steps that held nothing else. */
  readonly steps: readonly Step[];
  readonly journey: Journey;
  /** What must be told before the contract, once it was read. */
  disclosure: Disclosure | undefined;
  /** How the agreement can be signed, once it was asked. */
  signing: Signing | undefined;

  constructor(
    readonly lender: Lender,
    readonly form: Form,
    readonly claims: Claims,
    readonly token: string,
    readonly draft: Draft,
  ) {
    this.journey = new Journey(lender.client, draft);
    this.consents = form.steps.flatMap((step) => step.fields.filter((field) => field.type === 'consent'));
    this.steps = form.steps
      .map((step) => ({ ...step, fields: step.fields.filter((field) => field.type !== 'consent') }))
      .filter((step) => step.fields.length > 0);
  }

  get order(): { amount: number; currency: string } {
    return { amount: this.claims.amount, currency: this.claims.currency };
  }

  /** Puts in what the shop knows of its customer; fields that the form does not have are left out, and consents. */
  suggest(fields: Fields): void {
    const known = new Set(this.steps.flatMap((step) => step.fields.map((field) => field.id)));
    const fitting = Object.entries(fields).filter(([id]) => known.has(id));
    this.draft.fields = { ...this.draft.fields, ...Object.fromEntries(fitting) };
  }

  begin(): Promise<void> {
    return this.journey.begin(this.order, now(), this.lender.today());
  }

  /** Completes the steps that hold nothing but consents. */
  async consent(): Promise<readonly FieldError[]> {
    for (const step of this.form.steps) {
      if (step.fields.some((field) => field.type !== 'consent')) continue;
      const errors = await this.fill(step.id);
      if (errors.length > 0) return errors;
    }
    return [];
  }

  /** Completes a step of the form, or says all that is wrong with it. */
  async fill(id: string): Promise<readonly FieldError[]> {
    const fields: Record<string, FieldValue> = {};
    for (const field of this.form.steps.find((step) => step.id === id)?.fields ?? []) {
      const value = this.draft.fields[field.id];
      if (value !== undefined) fields[field.id] = value;
    }
    return this.journey.tell({ type: 'fill', step: id, fields, now: now(), today: this.lender.today() });
  }

  /** Completes every step that is not complete with the present answers: after a reload, or in a prefilled form. */
  async fillAll(): Promise<readonly FieldError[]> {
    for (const step of this.form.steps) {
      if (this.isDone(step)) continue;
      const errors = await this.fill(step.id);
      if (errors.length > 0) return errors;
    }
    return [];
  }

  private isDone(step: Step): boolean {
    const { snapshot } = this.journey;
    if (!snapshot?.steps_done?.includes(step.id)) return false;
    return step.fields.every((field) => snapshot.fields?.[field.id] === this.draft.fields[field.id]);
  }

  /** What is wrong with one field, as far as its own step tells. */
  async check(field: Field, values: Fields): Promise<FieldError | undefined> {
    const step = this.form.steps.find((each) => each.fields.some((other) => other.id === field.id));
    const { errors } = await this.lender.client.validate({
      order: this.order,
      fields: { ...this.draft.fields, ...values },
      ...(step === undefined ? {} : { step: step.id }),
    });
    return errors.find((error) => error.field === field.id);
  }

  /** The index of the first step with an error; 0 when the errors lie elsewhere. */
  stepOf(errors: readonly FieldError[]): number {
    const found = this.steps.findIndex((step) =>
      step.fields.some((field) => errors.some((error) => error.field === field.id)),
    );
    return Math.max(0, found);
  }

  async estimate(): Promise<Estimate> {
    const estimate = await this.lender.client.prequalify({ order: this.order, fields: this.draft.fields });
    await this.journey.tell({ type: 'prequalified', outcome: estimate.outcome });
    return estimate;
  }

  async requestOffers(): Promise<Application> {
    // What was submitted before is over: the person asks anew.
    const { state } = this.journey;
    const before = this.draft.application?.application_id;
    if (before !== undefined && (state === 'submitted' || state === 'approved'))
      await this.serverStatus(before, undefined, 'expired');
    const application = await this.lender.client.requestOffers({
      checkout_token: this.token,
      fields: this.draft.fields,
      consents: this.givenConsents(),
    });
    this.draft.application = application;
    this.draft.decision = this.draft.chosen = undefined;
    this.draft.sign_key = this.draft.signature = this.draft.code_key = undefined;
    const { application_id: id, decision_id, outcome, expires } = application;
    if (id !== undefined && outcome === 'eligible' && expires !== undefined) {
      const offers = application.offers.map(({ offer_id, plan, terms_hash }) => ({
        offer_id,
        plan,
        terms_hash,
      }));
      await this.journey.tell({ type: 'offers_received', application_id: id, expires, offers });
    } else if (id !== undefined && (outcome === 'referred' || outcome === 'declined')) {
      await this.serverStatus(id, decision_id, outcome);
    }
    return application;
  }

  /** The core keeps what was consented to; a field's own hash stands in where it keeps none. */
  private givenConsents(): readonly Consent[] {
    const kept = this.journey.snapshot?.consents ?? [];
    if (kept.length > 0) return kept;
    return this.consents
      .filter((field) => this.draft.fields[field.id] === true)
      .map((field) => ({
        purpose: field.purpose ?? field.id,
        text_hash: field.text_hash ?? '',
        given_at: now(),
      }));
  }

  /** Chooses an offer. What the core has against it is that it has run out. */
  async choose(offer: string): Promise<readonly FieldError[]> {
    this.draft.chosen = offer;
    return this.journey.tell({ type: 'select_offer', offer_id: offer, now: now() });
  }

  /**
   * Hands the chosen offer to the server.
   *
   * @throws {AgreementDiffers} when what would be signed is not what was chosen
   */
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
    await this.journey.tell({ type: 'submit', now: now() });
    const decision = await this.lender.client.submit(
      application.application_id,
      application.capability,
      offer.jws,
    );
    const agreement = decision.agreement;
    if (agreement !== undefined && agreement !== null) {
      const same =
        agreement.offer.terms_hash === offer.terms_hash && agreement.hash === (await sha256(agreement.text));
      if (!same) throw new AgreementDiffers();
    }
    this.draft.decision = decision;
    await this.serverStatus(application.application_id, decision.decision_id, decision.outcome);
    return decision;
  }

  /** Whose contract it is about, and the key to it. */
  private get approved(): { id: string; capability: string; decision: Decision; agreement: Agreement } {
    const { application, decision } = this.draft;
    const { application_id: id, capability } = application ?? {};
    if (id === undefined || capability === undefined || !decision?.agreement)
      throw new Error('there is no agreement to sign');
    return { id, capability, decision, agreement: decision.agreement };
  }

  /**
   * Where an approval goes on: what must be told before the contract, until it is confirmed, then the agreement.
   *
   * @throws {DisclosureDiffers} when what is told is not made of the offer, or not what its hash names
   */
  async contract(): Promise<'disclosure' | 'agreement'> {
    const { id, capability, agreement } = this.approved;
    const told = await this.lender.client.disclosure(id, capability);
    const { document, text, hash } = told;
    const same =
      hash === (await sha256(canonical({ document, text }))) &&
      document.terms_hash === agreement.offer.terms_hash;
    if (!same) throw new DisclosureDiffers();
    this.disclosure = told;
    if (told.confirmed === null) return 'disclosure';
    await this.readSigning();
    return 'agreement';
  }

  /** Confirms what was told, by its hash. */
  async confirm(): Promise<void> {
    const { id, capability } = this.approved;
    const hash = this.disclosure?.hash ?? '';
    this.disclosure = await this.lender.client.confirmDisclosure(id, capability, hash);
    await this.readSigning();
  }

  /** How the agreement can be signed, and where the newest code stands. */
  async readSigning(): Promise<Signing> {
    const { id, capability } = this.approved;
    this.signing = await this.lender.client.signing(id, capability);
    return this.signing;
  }

  /** Has a code sent. `keep` is called before the request, so that a lost answer costs no second code. */
  async sendCode(keep: () => void): Promise<void> {
    const { id, capability } = this.approved;
    this.draft.code_key ??= crypto.randomUUID();
    keep();
    try {
      await this.lender.client.sendCode(id, capability, { idempotencyKey: this.draft.code_key });
    } catch (error) {
      // A refusal is an answer as well; the next press is another intention.
      if (error instanceof ProblemError && error.status < 500) this.draft.code_key = undefined;
      throw error;
    }
    this.draft.code_key = undefined;
    keep();
  }

  /** Signs. `keep` is called before the request, so that a reload in the middle signs again with the same key. */
  async sign(signature: Signature, keep: () => void): Promise<Booking> {
    const { id, capability, decision, agreement } = this.approved;
    this.draft.sign_key ??= crypto.randomUUID();
    this.draft.signature = signature;
    await this.journey.tell({ type: 'sign' });
    keep();
    const request = { decision_id: decision.decision_id, agreement_hash: agreement.hash, signature };
    const booking = await this.lender.client.sign(id, capability, request, {
      idempotencyKey: this.draft.sign_key,
    });
    this.draft.booking = booking;
    await this.serverStatus(id, decision.decision_id, 'signed');
    return booking;
  }

  /** Asks the server where the application stands, and finishes a signing that was cut off. */
  async standing(keep: () => void): Promise<Phase> {
    const { application, sign_key, signature } = this.draft;
    if (application?.application_id === undefined || application.capability === undefined) return 'cost';
    const id = application.application_id;
    const status = await this.lender.client.application(id, application.capability);
    const decision_id = typeof status.decision_id === 'string' ? status.decision_id : undefined;
    const reasons = (status.reasons ?? []) as Decision['reasons'];
    switch (status.status) {
      case 'approved': {
        const agreement = status.agreement as Agreement;
        this.draft.decision = { decision_id: decision_id ?? '', outcome: 'approved', reasons, agreement };
        await this.serverStatus(id, decision_id, 'approved');
        return this.contract();
      }
      case 'signed':
        if (sign_key !== undefined && signature !== undefined) await this.sign(signature, keep);
        else
          this.draft.booking ??= { loan_id: String(status.loan_id ?? ''), capability: '', status: 'signed' };
        return 'done';
      case 'referred':
      case 'declined':
        this.draft.decision = { decision_id: decision_id ?? '', outcome: status.status, reasons };
        return status.status;
      default:
        return 'offers';
    }
  }

  async withdraw(): Promise<void> {
    await this.journey.tell({ type: 'withdraw' });
  }

  private async serverStatus(
    id: string,
    decision: string | undefined,
    state: 'approved' | 'referred' | 'declined' | 'signed' | 'expired',
  ): Promise<void> {
    const decided = decision === undefined ? {} : { decision_id: decision };
    await this.journey.tell({ type: 'server_status', application_id: id, state, ...decided });
  }
}

/** The agreement that arrived is not for the chosen offer, or not the text its hash names. */
export class AgreementDiffers extends Error {}

/** What is told before the contract is not about the chosen offer, or not what its hash names. */
export class DisclosureDiffers extends Error {}

/** Whole seconds, as all instants here. */
export function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
