import { loadLender, sourceOf } from '../engine.js';
import { busy, PrequalElement } from '../lib/base.js';
import { openQuestion } from '../lib/dialog.js';
import { adviceFor, type Doing, type Remedy, type Trouble, troubleOf } from '../lib/problem.js';
import type { Application, Estimate, Field, Fields, FieldValue, Quote, Step } from '../types.js';
import { type ContractHost, confirm, sendCode, sign } from './contract.js';
import { type Draft, draftFor, forgetDecisions, forgetPerson, type Phase, saveDraft } from './draft.js';
import { AgreementDiffers, DisclosureDiffers, Flow } from './flow.js';
import type { FormView } from './form-view.js';
import { type Deeds, screen } from './screens.js';
import { readClaims } from './token.js';
import { type Frame, problemView, skeletonView } from './views.js';

/** How long the shop may take to price a cart before the person is told what else to do. */
const SHOP_MS = 15_000;

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
  private silence: ReturnType<typeof setTimeout> | undefined;
  private suggested: Fields | undefined;

  connectedCallback(): void {
    this.restart(false);
  }

  disconnectedCallback(): void {
    this.turn += 1;
    clearTimeout(this.silence);
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    // A token given again is an answer too: the shop's price stands.
    const answered = name === 'checkout-token' && this.asked;
    if (!this.isConnected || (before === after && !answered)) return;
    // A person who changes the cart beside the element keeps the focus there.
    this.restart(answered);
    this.asked = false;
    clearTimeout(this.silence);
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
      this.explain({ slug: 'checkout-token', detail: '', status: 0 }, () => this.restart(true));
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
      const flow = new Flow(lender, form, claims, token, draftFor(claims, this.flow));
      this.flow = flow;
      if (Object.keys(flow.draft.fields).length === 0 && flow.draft.phase === 'cost')
        flow.suggest(this.suggested ?? {});
      await this.resume(focus);
    } catch (error) {
      if (turn === this.turn) this.explain(this.bundleTrouble(error), () => this.restart(true));
    }
  }

  private bundleTrouble(error: unknown): Trouble {
    const trouble = troubleOf(error);
    return trouble.slug.startsWith('bundle-') ? { ...trouble, slug: 'bundle-unavailable' } : trouble;
  }

  private async resume(focus: boolean): Promise<void> {
    const { draft, need } = this;
    if (ENDED[draft.phase] === undefined) await need.begin();
    if (draft.phase === 'disclosure' || draft.phase === 'agreement' || draft.phase === 'referred') {
      await this.goByServer(focus);
      return;
    }
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

  /** Goes where the server says that the application stands. */
  private async goByServer(focus: boolean): Promise<void> {
    const phase = await this.need.standing(() => this.save());
    if (ENDED[phase] !== undefined) forgetPerson(this.draft);
    this.go(phase, focus);
  }

  private lookUp(press: HTMLButtonElement | undefined): Promise<void> {
    return this.attempt(press, 'Looking', async () => {
      await this.goByServer(true);
      if (this.draft.phase === 'referred') this.announce('There is no answer yet');
    });
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
    const quote = this.quote ?? { plans: [], notice: '' };
    const scene = {
      frame: this.frame,
      flow: this.need,
      quote,
      estimate: this.estimate,
      local: this.local,
      account: this.accountLink(),
    };
    return screen(phase, scene, this.deeds);
  }

  private readonly deeds: Deeds = {
    choosePlan: (plan) => {
      this.draft.plan = plan;
      this.save();
    },
    change: (field, value) => {
      this.put(field, value);
      this.save();
    },
    leave: (field, values, fail) => void this.checkField(field, values, fail),
    consent: (form, press) => void this.consent(form, press),
    fill: (step, index, form, press) => void this.fill(step, index, form, press),
    toCost: () => this.go('cost'),
    toStep: (index) => this.toStep(index),
    ask: (press) => void this.ask(press),
    choose: (offer) => void this.choose(offer),
    submit: (press) => void this.submit(press),
    confirm: (press) => void confirm(this.contract, press),
    sendCode: (press, shown) => void sendCode(this.contract, press, shown),
    sign: (signature, press, refused) => void sign(this.contract, signature, press, refused),
    announce: (text) => this.announce(text),
    withdraw: () => this.withdraw(),
    again: () => this.again(),
    lookUp: (press) => void this.lookUp(press),
  };

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

  private consent(form: FormView, press: HTMLButtonElement): Promise<void> {
    const given = form.values();
    const missing = this.need.consents.filter(
      (field) => field.required !== false && given[field.id] !== true,
    );
    const message = 'tick this to go on, or pay in another way';
    if (form.fail(missing.map((field) => ({ field: field.id, code: 'consent_required', message }))))
      return Promise.resolve();
    return this.attempt(press, 'Checking', async () => {
      if (!form.fail(await this.need.consent())) this.toStep(0);
    });
  }

  private fill(step: Step, index: number, form: FormView, press: HTMLButtonElement): Promise<void> {
    return this.attempt(press, 'Checking', async () => {
      if (form.fail(await this.need.fill(step.id))) return;
      if (index + 1 < this.need.steps.length) this.toStep(index + 1);
      else await this.toEstimate();
    });
  }

  private toStep(index: number): void {
    this.draft.step = index;
    this.go('form');
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

  private withdraw(): void {
    const question =
      this.draft.phase === 'agreement' || this.draft.phase === 'disclosure'
        ? { title: 'Do not sign?', text: 'Nothing is borrowed then, and this approval is given up.' }
        : { title: 'Leave these offers?', text: 'Nothing is borrowed then, and these offers are given up.' };
    const stop = async () => {
      await this.need.withdraw();
      forgetDecisions(this.draft);
      this.go('withdrawn');
    };
    openQuestion(
      this.frame.root,
      {
        title: question.title,
        text: `${question.text} Your answers are kept, and you can start again.`,
        stay: 'Go back',
        go: 'Stop here',
      },
      () => void this.attempt(undefined, 'Stopping', stop),
    );
  }

  private end(phase: 'done' | 'referred' | 'declined'): void {
    forgetPerson(this.draft);
    this.go(phase);
  }

  private async choose(offer: string): Promise<void> {
    await this.need.choose(offer);
    this.save();
    this.tellState('offer_selected');
  }

  private submit(press: HTMLButtonElement | undefined): Promise<void> {
    return this.attempt(press, 'Asking for the decision', async () => {
      this.tellState('submitted');
      const decision = await this.need.submit();
      if (decision.outcome === 'approved') this.go(await this.need.contract());
      else this.end(decision.outcome);
    });
  }

  /** What the steps between the approval and the loan need of this element. */
  private get contract(): ContractHost {
    return {
      flow: this.need,
      draft: this.draft,
      save: () => this.save(),
      go: (phase) => this.go(phase),
      goByServer: () => this.goByServer(true),
      announce: (text) => this.announce(text),
      attempt: (press, label, action, doing) => this.attempt(press, label, action, doing),
      signed: () => this.signed(),
    };
  }

  private signed(): void {
    this.end('done');
    const { booking, decision } = this.draft;
    this.tell('prequal:complete', {
      checkout: this.need.claims.checkout,
      loan_id: booking?.loan_id ?? '',
      decision_id: decision?.decision_id ?? '',
      amount: decision?.agreement?.offer.price ?? this.need.claims.amount,
      currency: this.need.claims.currency,
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
    this.flow.suggest(fields);
    if (phase === 'form') this.go('form', false);
    else if (phase === 'estimate') void this.attempt(undefined, 'Checking', () => this.toEstimate());
    else this.save();
  }

  /** The account page's address; the capability stands in the fragment, which browsers send to no server. */
  accountLink(): string | undefined {
    const page = this.text('account-url');
    const { booking } = this.draft;
    if (page === undefined || booking === undefined) return undefined;
    return `${page}#loan=${encodeURIComponent(booking.loan_id)}&capability=${encodeURIComponent(booking.capability)}`;
  }

  private again(): void {
    this.draft.phase = 'cost';
    this.draft.step = 0;
    this.save();
    this.restart(true);
  }

  /** Runs something that may fail, with its button busy, and explains a failure with a way to go on. */
  private async attempt(
    press: HTMLButtonElement | undefined,
    label: string,
    action: () => Promise<void>,
    doing: Doing = 'other',
  ): Promise<void> {
    const rest = press === undefined ? () => undefined : busy(press, label);
    this.announce(label);
    const turn = this.turn;
    try {
      await action();
    } catch (error) {
      if (turn !== this.turn) return;
      const trouble = troubleIn(error);
      this.explain(trouble, () => void this.attempt(undefined, label, action, doing), doing);
    } finally {
      rest();
    }
  }

  private explain(trouble: Trouble, retry: () => void, doing: Doing = 'other'): void {
    const advice = adviceFor(trouble, doing);
    const correct = () => this.toStep(this.stepOf(trouble.field));
    const view = problemView(trouble, advice, (remedy, press) =>
      remedy === 'correct' ? correct() : this.remedy(remedy, press, retry),
    );
    const focus = this.flow !== undefined;
    this.show(view, focus);
    // The focus reads the heading; the rest, and all of it where the focus stays elsewhere, is announced.
    this.announce([focus ? '' : `${advice.title}.`, advice.happened, advice.safe].join(' ').trim());
    if (this.flow === undefined) this.tell('prequal:state', { state: 'problem', problem: trouble.slug });
    else this.tellState(trouble.slug === 'offer-expired' ? 'expired' : 'problem', { problem: trouble.slug });
  }

  private stepOf(field: string | undefined): number {
    return field === undefined ? 0 : this.need.stepOf([{ field, code: '', message: '' }]);
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
        clearTimeout(this.silence);
        // A price that comes later still than this is taken all the same.
        this.silence = setTimeout(
          () => this.explain({ slug: 'shop-silent', detail: '', status: 0 }, () => undefined),
          SHOP_MS,
        );
        this.told = undefined;
        if (this.flow === undefined) this.tell('prequal:state', { state: 'cart_changed' });
        else {
          // Whatever the answer is, what was decided on the old token does not count any more.
          this.draft.cart_hash = '';
          this.tellState('cart_changed');
        }
        break;
      case 'consents':
        this.go('cost');
        break;
      case 'look_up':
        void this.lookUp(press);
        break;
      default:
        busy(press, 'Trying again');
        retry();
    }
  }
}

/** What was found on this side is told by its name, everything else by the other side's. */
function troubleIn(error: unknown): Trouble {
  if (error instanceof AgreementDiffers) return { slug: 'agreement-differs', detail: '', status: 0 };
  if (error instanceof DisclosureDiffers) return { slug: 'disclosure-differs', detail: '', status: 0 };
  return troubleOf(error);
}
