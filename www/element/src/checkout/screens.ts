import { timeOfDay } from '../lib/format.js';
import type { Estimate, Field, Fields, FieldValue, Quote, Step } from '../types.js';
import { agreementView } from './agreement-view.js';
import { disclosureView } from './disclosure-view.js';
import type { Phase } from './draft.js';
import type { Flow } from './flow.js';
import { type FormHost, FormView } from './form-view.js';
import { declinedView, doneView, referredView, withdrawnView } from './outcomes.js';
import type { SignatureHost } from './signature-view.js';
import { costView, estimateView, type Frame, offersView, stepView } from './views.js';

/** What there is to show. */
export interface Scene {
  readonly frame: Frame;
  readonly flow: Flow;
  readonly quote: Quote;
  readonly estimate: Estimate | undefined;
  /** Whether estimates are computed in this browser. */
  readonly local: boolean;
  /** Address of the page with the booked loan. */
  readonly account: string | undefined;
}

/** What a person can do; the element carries it out. */
export interface Deeds extends SignatureHost {
  choosePlan(plan: string): void;
  change(field: Field, value: FieldValue | undefined): void;
  leave(field: Field, values: Fields, fail: (message: string | undefined) => void): void;
  consent(form: FormView, press: HTMLButtonElement): void;
  fill(step: Step, index: number, form: FormView, press: HTMLButtonElement): void;
  toCost(): void;
  toStep(index: number): void;
  ask(press: HTMLButtonElement): void;
  choose(offer: string): void;
  submit(press: HTMLButtonElement): void;
  confirm(press: HTMLButtonElement): void;
  again(): void;
  lookUp(press: HTMLButtonElement): void;
}

/** The view of a phase. A phase whose facts are missing (a draft someone edited) falls back to an earlier one. */
export function screen(phase: Phase, scene: Scene, deeds: Deeds): HTMLElement {
  const { frame, flow } = scene;
  const { draft } = flow;
  const decisionId = draft.decision?.decision_id ?? draft.application?.decision_id;
  const reasons = draft.decision?.reasons ?? draft.application?.reasons ?? [];
  switch (phase) {
    case 'form':
      return formScreen(scene, deeds);
    case 'estimate':
      if (scene.estimate === undefined) return costScreen(scene, deeds);
      return estimateView(frame, scene.estimate, scene.local, {
        correct: () => deeds.toStep(0),
        ask: (press) => deeds.ask(press),
      });
    case 'disclosure':
      if (flow.disclosure === undefined) return offersScreen(scene, deeds);
      return disclosureView(frame, flow.disclosure, deeds);
    case 'agreement':
      if (!draft.decision?.agreement || flow.signing === undefined) return offersScreen(scene, deeds);
      return agreementView(frame, draft.decision.agreement, flow.signing, deeds);
    case 'offers':
      return offersScreen(scene, deeds);
    case 'done':
      if (draft.booking === undefined) return costScreen(scene, deeds);
      return doneView(frame, draft.booking, draft.decision?.agreement?.offer, scene.account);
    case 'referred':
      return referredView(frame, decisionId, reasons, (press) => deeds.lookUp(press));
    case 'declined':
      return declinedView(frame, decisionId, reasons);
    case 'withdrawn':
      return withdrawnView(frame, () => deeds.again());
    default:
      return costScreen(scene, deeds);
  }
}

function host({ frame, flow }: Scene, deeds: Deeds): FormHost {
  return {
    locale: frame.locale,
    currency: flow.claims.currency,
    values: flow.draft.fields,
    change: (field, value) => deeds.change(field, value),
    leave: (field, values, fail) => deeds.leave(field, values, fail),
  };
}

function costScreen(scene: Scene, deeds: Deeds): HTMLElement {
  return costView(scene.frame, scene.quote, scene.flow.consents, {
    ...host(scene, deeds),
    plan: scene.flow.draft.plan,
    choosePlan: (plan) => deeds.choosePlan(plan),
    next: (form, press) => deeds.consent(form, press),
  });
}

function formScreen(scene: Scene, deeds: Deeds): HTMLElement {
  const { steps, draft } = scene.flow;
  const index = Math.min(Math.max(draft.step, 0), steps.length - 1);
  const step = steps[index];
  if (step === undefined) return costScreen(scene, deeds);
  const form = new FormView(step.fields, host(scene, deeds));
  return stepView(scene.frame, step.title, `Step ${index + 1} of ${steps.length}`, form, {
    last: index === steps.length - 1,
    back: () => (index === 0 ? deeds.toCost() : deeds.toStep(index - 1)),
    next: (press) => deeds.fill(step, index, form, press),
  });
}

function offersScreen({ frame, flow }: Scene, deeds: Deeds): HTMLElement {
  const { application, chosen } = flow.draft;
  const offers = application?.offers ?? [];
  const until = application?.expires === undefined ? undefined : timeOfDay(application.expires, frame.locale);
  const plan = offers.find((offer) => offer.offer_id === chosen)?.plan;
  return offersView(frame, offers, plan, until, {
    choose(offer) {
      const signed = offers.find((each) => each.plan === offer.plan);
      if (signed !== undefined) deeds.choose(signed.offer_id);
    },
    submit: (_offer, press) => deeds.submit(press),
    decline: () => deeds.withdraw(),
  });
}
