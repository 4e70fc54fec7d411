import { loadLender, sourceOf } from '../engine.js';
import { busy, PrequalElement } from '../lib/base.js';
import { timeOfDay } from '../lib/format.js';
import { type Remedy, type Trouble, troubleOf } from '../lib/problem.js';
import type { Application, Estimate, Field, Fields, FieldValue, Quote } from '../types.js';
import {
  type Draft,
  emptyDraft,
  forgetPerson,
  loadDraft,
  type Phase,
  removeDraft,
  saveDraft,
} from './draft.js';
import { AgreementDiffers, Flow, now } from './flow.js';
import { type FormHost, FormView } from './form-view.js';
import { declinedView, doneView, referredView, withdrawnView } from './outcomes.js';
import { type Claims, readClaims } from './token.js';
import {
  agreementView,
  costView,
  estimateView,
  type Frame,
  offersView,
  problemView,
  skeletonView,
  stepView,
} from './views.js';

/** At the end the core's record is gone with the person's answers; the phase says it all. */
const ENDED: Partial<Record<Phase, string>> = {
  done: 'signed',
  referred: 'referred',
  declined: 'declined',
  withdrawn: 'withdrawn',
};

/**
 * `<prequal-checkout checkout-token endpoint edge bundle-url bundle-keys [account-url]>`: from the cost to a signed
 * loan. Each state is told to the page by a `prequal:state` event and the end by `prequal:complete`, with ids only.
 * A new `checkout-token` keeps the answers and asks for new offers.
 */
export class PrequalCheckout extends PrequalElement {
  static readonly observedAttributes = ['checkout-token', 'endpoint', 'edge', 'bundle-url', 'bundle-keys'];

  private flow: Flow | undefined;
  private quote: Quote | undefined;
  private estimate: Estimate | undefined;
  private local = true;
  private turn = 0;
  private told: string | undefined;
  /** The shop was asked for a new price, and the person waits for it. */
  private asked = false;
  private suggested: Fields | undefined;

  connectedCallback(): void {
    this.restart(false);
  }

  disconnectedCallback(): void {
    this.turn += 1;
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    // A token given again is an answer too: the shop's price stands.
    const answered = name === 'checkout-token' && this.asked;
    if (!this.isConnected || (before === after && !answered)) return;
    // A person who changes the cart beside the element keeps the focus there.
    this.restart(answered);
    this.asked = false;
  }

  /** Attributes often change together; one start serves them all. */
  private restart(focus: boolean): void {
    this.turn += 1;
    const turn = this.turn;
    queueMicrotask(() => {
      if (turn === this.turn) void this.start(turn, focus);
    });
  }

  private async start(turn: number, focus: boolean): Promise<void> {
    const token = this.text('checkout-token');
    if (this.flow === undefined) this.show(skeletonView(), false);
    if (token === undefined) return;
    const claims = readClaims(token);
    if (claims === undefined) {
      this.explain({ slug: 'checkout-token-unreadable', detail: '', status: 0 }, () => this.restart(true));
      return;
    }
    try {
      const lender = await loadLender(sourceOf(this));
      const { client } = lender;
      const [form, quote, mode] = await Promise.all([
        client.form(),
        client.quote({ amount: claims.amount, currency: claims.currency }),
        client.mode(),
      ]);
      if (turn !== this.turn) return;
      this.quote = quote;
      this.local = mode === 'wasm';
      const flow = new Flow(lender, form, claims, token, this.restore(claims));
      this.flow = flow;
      if (Object.keys(flow.draft.fields).length === 0 && flow.draft.phase === 'cost') this.suggest(flow);
      await this.resume(focus);
    } catch (error) {
      if (turn === this.turn) this.explain(this.bundleTrouble(error), () => this.restart(true));
    }
  }

  private bundleTrouble(error: unknown): Trouble {
    const trouble = troubleOf(error);
    return trouble.slug.startsWith('bundle-') ? { ...trouble, slug: 'bundle-unavailable' } : trouble;
  }

  /** A draft for another cart keeps the person's answers and nothing that was decided on the old amount. */
  private restore(claims: Claims): Draft {
    const draft =
      this.flow?.claims.checkout === claims.checkout ? this.flow.draft : loadDraft(claims.checkout);
    if (draft === undefined) return emptyDraft(claims.cart_hash);
    if (draft.cart_hash !== claims.cart_hash && draft.phase !== 'done') {
      draft.cart_hash = claims.cart_hash;
      draft.application = draft.decision = draft.chosen = draft.sign_key = undefined;
      if (draft.phase !== 'cost' && draft.phase !== 'form')
        draft.phase = Object.keys(draft.fields).length === 0 ? 'cost' : 'estimate';
    }
    return draft;
  }

  private async resume(focus: boolean): Promise<void> {
    const { draft, need } = this;
    if (ENDED[draft.phase] === undefined) await need.begin();
    if (draft.phase === 'offers' && need.journey.snapshot?.offers?.length === 0) draft.phase = 'estimate';
    if (draft.phase === 'estimate') {
      const errors = await need.fillAll();
      if (errors.length > 0) {
        draft.phase = 'form';
        draft.step = need.stepOf(errors);
      } else this.estimate = await need.estimate();
    }
    this.go(draft.phase, focus);
  }

  private get need(): Flow {
    if (this.flow === undefined) throw new Error('the checkout has not started');
    return this.flow;
  }

  private get draft(): Draft {
    return this.need.draft;
  }

  private get frame(): Frame {
    if (this.shadowRoot === null) throw new Error('the element has no shadow root');
    const { form, claims } = this.need;
    return {
      root: this.shadowRoot,
      locale: this.locale,
      lender: form.lender.name,
      merchant: claims.merchant,
      label: form.label,
    };
  }

  private save(): void {
    saveDraft(this.need.claims.checkout, this.draft);
  }

  /** Goes to a phase: saves it, shows it, tells it. */
  private go(phase: Phase, focus = true): void {
    this.draft.phase = phase;
    this.save();
    this.show(this.view(phase), focus);
    this.tellState(ENDED[phase] ?? this.need.journey.state ?? 'draft');
  }

  private tellState(state: string, more: Record<string, string> = {}): void {
    const { application, decision, booking } = this.draft;
    const ids: Record<string, string> = { checkout: this.need.claims.checkout, ...more };
    if (application?.application_id !== undefined) ids.application_id = application.application_id;
    const decided = decision?.decision_id ?? application?.decision_id;
    if (decided !== undefined) ids.decision_id = decided;
    if (booking !== undefined) ids.loan_id = booking.loan_id;
    const key = JSON.stringify([state, ids]);
    if (key === this.told) return;
    this.told = key;
    this.tell('prequal:state', { state, ...ids });
  }

  private view(phase: Phase): HTMLElement {
    const { frame, draft } = this;
    const decisionId = draft.decision?.decision_id ?? draft.application?.decision_id;
    const reasons = draft.decision?.reasons ?? draft.application?.reasons ?? [];
    switch (phase) {
      case 'form':
        return this.formStep();
      case 'estimate':
        if (this.estimate === undefined) return this.costStep();
        return estimateView(frame, this.estimate, this.local, {
          correct: () => this.toStep(0),
          ask: (press) => void this.ask(press),
        });
      case 'offers':
        return this.offers();
      case 'agreement':
        if (draft.decision?.agreement === undefined) return this.offers();
        return agreementView(frame, draft.decision.agreement, {
          sign: (name, press, fail) => void this.sign(name, press, fail),
          withdraw: () => void this.withdraw(),
        });
      case 'done':
        if (draft.booking === undefined) return this.costStep();
        return doneView(frame, draft.booking, draft.decision?.agreement?.offer, this.accountLink());
      case 'referred':
        return referredView(frame, decisionId, reasons, undefined);
      case 'declined':
        return declinedView(frame, decisionId, reasons);
      case 'withdrawn':
        return withdrawnView(frame, () => this.again());
      default:
        return this.costStep();
    }
  }

  private host(): FormHost {
    return {
      locale: this.locale,
      currency: this.need.claims.currency,
      values: this.draft.fields,
      change: (field, value) => {
        this.put(field, value);
        this.save();
      },
      leave: (field, values, fail) => void this.checkField(field, values, fail),
    };
  }

  private put(field: Field, value: FieldValue | undefined): void {
    const { [field.id]: _old, ...rest } = this.draft.fields;
    this.draft.fields = value === undefined ? rest : { ...rest, [field.id]: value };
  }

  private async checkField(
    field: Field,
    values: Fields,
    fail: (message: string | undefined) => void,
  ): Promise<void> {
    try {
      fail((await this.need.check(field, values))?.message);
    } catch {
      // The check comes again at the end of the step; leaving a field must never stop a person.
    }
  }

  private costStep(): HTMLElement {
    const quote = this.quote ?? { plans: [], notice: '' };
    return costView(this.frame, quote, this.need.consents, {
      ...this.host(),
      plan: this.draft.plan,
      choosePlan: (plan) => {
        this.draft.plan = plan;
        this.save();
      },
      next: (form, press) =>
        void this.attempt(press, 'Checking', async () => {
          const given = form.values();
          const missing = this.need.consents.filter(
            (field) => field.required !== false && given[field.id] !== true,
          );
          const errors = missing.map((field) => ({
            field: field.id,
            code: 'consent_required',
            message: 'tick this to go on, or pay in another way',
          }));
          if (!form.fail(errors.length > 0 ? errors : await this.need.consent())) this.toStep(0);
        }),
    });
  }

  private toStep(index: number): void {
    this.draft.step = index;
    this.go('form');
  }

  private formStep(): HTMLElement {
    const { steps } = this.need;
    const index = Math.min(Math.max(this.draft.step, 0), steps.length - 1);
    const step = steps[index];
    if (step === undefined) return this.costStep();
    const form = new FormView(step.fields, this.host());
    return stepView(this.frame, step.title, `Step ${index + 1} of ${steps.length}`, form, {
      last: index === steps.length - 1,
      back: () => (index === 0 ? this.go('cost') : this.toStep(index - 1)),
      next: (press) =>
        void this.attempt(press, 'Checking', async () => {
          if (form.fail(await this.need.fill(step.id))) return;
          if (index + 1 < steps.length) this.toStep(index + 1);
          else await this.toEstimate();
        }),
    });
  }

  private async toEstimate(): Promise<void> {
    const errors = await this.need.fillAll();
    if (errors.length > 0) {
      this.toStep(this.need.stepOf(errors));
      return;
    }
    this.tellState(this.need.journey.state ?? 'described');
    this.estimate = await this.need.estimate();
    this.go('estimate');
  }

  private ask(press: HTMLButtonElement | undefined): Promise<void> {
    return this.attempt(press, 'Asking for your offers', async () => {
      await this.goByApplication(await this.need.requestOffers());
    });
  }

  private async goByApplication(application: Application): Promise<void> {
    if (application.outcome === 'eligible') {
      const wanted = application.offers.find((offer) => offer.plan === this.draft.plan);
      if (wanted !== undefined) await this.need.choose(wanted.offer_id);
      this.go('offers');
    } else if (application.outcome === 'needs') {
      this.estimate = { ...(this.estimate as Estimate), outcome: 'needs', needs: application.needs };
      this.go('estimate');
    } else this.end(application.outcome);
  }

  private withdraw(): Promise<void> {
    return this.attempt(undefined, 'Stopping', async () => {
      await this.need.withdraw();
      forgetPerson(this.draft);
      this.go('withdrawn');
    });
  }

  private end(phase: 'done' | 'referred' | 'declined'): void {
    forgetPerson(this.draft);
    this.go(phase);
  }

  private offers(): HTMLElement {
    const application = this.draft.application;
    const offers = application?.offers ?? [];
    const until =
      application?.expires === undefined ? undefined : timeOfDay(application.expires, this.locale);
    const chosen = offers.find((offer) => offer.offer_id === this.draft.chosen)?.plan;
    return offersView(this.frame, offers, chosen, until, {
      choose: (offer) => void this.choose(offers.find((each) => each.plan === offer.plan)?.offer_id),
      submit: (_offer, press) => void this.submit(press),
      decline: () => void this.withdraw(),
    });
  }

  private async choose(offer: string | undefined): Promise<void> {
    if (offer === undefined) return;
    await this.need.choose(offer);
    this.save();
    this.tellState('offer_selected');
  }

  private submit(press: HTMLButtonElement | undefined): Promise<void> {
    return this.attempt(press, 'Asking for the decision', async () => {
      this.tellState('submitted');
      const decision = await this.need.submit();
      if (decision.outcome === 'approved') this.go('agreement');
      else this.end(decision.outcome);
    });
  }

  private async sign(name: string, press: HTMLButtonElement, fail: (message: string) => void): Promise<void> {
    const given = this.draft.fields.full_name;
    if (typeof given === 'string' && fold(given) !== fold(name)) {
      fail(`type your name as in your application: ${given}`);
      return;
    }
    await this.attempt(press, 'Signing', async () => {
      const booking = await this.need.sign(name, () => this.save());
      this.end('done');
      const offer = this.draft.decision?.agreement?.offer;
      this.tell('prequal:complete', {
        checkout: this.need.claims.checkout,
        loan_id: booking.loan_id,
        decision_id: this.draft.decision?.decision_id ?? '',
        amount: offer?.price ?? this.need.claims.amount,
        currency: this.need.claims.currency,
      });
    });
  }

  /**
   * Fills in what the shop knows of its customer, as suggestions to be checked and changed. Only before offers are
   * asked for; consents cannot be given this way.
   */
  prefill(fields: Fields): void {
    this.suggested = fields;
    if (this.flow === undefined) return;
    const { phase } = this.draft;
    if (phase !== 'cost' && phase !== 'form' && phase !== 'estimate') return;
    this.suggest(this.flow);
    if (phase === 'form') this.go('form', false);
    else if (phase === 'estimate') void this.attempt(undefined, 'Checking', () => this.toEstimate());
    else this.save();
  }

  private suggest(flow: Flow): void {
    const known = new Set(flow.steps.flatMap((step) => step.fields.map((field) => field.id)));
    const fitting = Object.entries(this.suggested ?? {}).filter(([id]) => known.has(id));
    flow.draft.fields = { ...flow.draft.fields, ...Object.fromEntries(fitting) };
  }

  /** The account page's address; the capability stands in the fragment, which browsers send to no server. */
  accountLink(): string | undefined {
    const page = this.text('account-url');
    const { booking } = this.draft;
    if (page === undefined || booking === undefined) return undefined;
    return `${page}#loan=${encodeURIComponent(booking.loan_id)}&capability=${encodeURIComponent(booking.capability)}`;
  }

  private again(): void {
    const { claims } = this.need;
    removeDraft(claims.checkout);
    this.flow = undefined;
    this.restart(true);
  }

  /** Runs something that may fail, with its button busy, and explains a failure with a way to go on. */
  private async attempt(
    press: HTMLButtonElement | undefined,
    label: string,
    action: () => Promise<void>,
  ): Promise<void> {
    const rest = press === undefined ? () => undefined : busy(press, label);
    this.announce(label);
    const turn = this.turn;
    try {
      await action();
    } catch (error) {
      if (turn !== this.turn) return;
      const trouble =
        error instanceof AgreementDiffers
          ? { slug: 'agreement-differs', detail: '', status: 0 }
          : troubleOf(error);
      this.explain(trouble, () => void this.attempt(undefined, label, action));
    } finally {
      rest();
    }
  }

  private explain(trouble: Trouble, retry: () => void): void {
    this.show(
      problemView(trouble, (remedy, press) => this.remedy(remedy, press, retry)),
      this.flow !== undefined,
    );
    if (this.flow === undefined) this.tell('prequal:state', { state: 'problem', problem: trouble.slug });
    else this.tellState(trouble.slug === 'offer-expired' ? 'expired' : 'problem', { problem: trouble.slug });
  }

  private remedy(remedy: Remedy, press: HTMLButtonElement, retry: () => void): void {
    switch (remedy) {
      case 'ask_again':
        void this.ask(press);
        break;
      case 'refresh_cart':
        // Only the shop can price a cart: it answers with a new `checkout-token`.
        busy(press, 'Asking the shop');
        this.asked = true;
        this.tellState('cart_changed', { refresh: now() });
        break;
      case 'correct':
        this.toStep(0);
        break;
      default:
        busy(press, 'Trying again');
        retry();
    }
  }
}

function fold(name: string): string {
  return name.normalize('NFKC').trim().replaceAll(/\s+/gu, ' ').toLocaleLowerCase();
}
