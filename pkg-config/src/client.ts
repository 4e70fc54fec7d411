/** One asynchronous interface for pages: through WebAssembly where it runs, through the edge where it does not. */
import { journey, prequalify, quote, salt, validate } from './api.js';
import { type Bundle, type BundleEnvelope, loadBundle } from './bundle.js';
import { init, isReady } from './engine.js';
import { PrequalError, WasmUnavailable } from './errors.js';
import { type HttpOptions, type HttpRequest, send } from './http.js';
import type {
  AgreementDocument,
  ApplicationStatus,
  Booking,
  CodeSent,
  DisclosureView,
  LoanView,
  OffersAnswer,
  OffersRequest,
  PaymentAnswer,
  PayoffView,
  SigningView,
  SignRequest,
  StatementView,
  SubmitAnswer,
} from './http-types.js';
import type {
  Fields,
  Form,
  JourneyEvent,
  JourneyStep,
  Jwk,
  Order,
  Prequalification,
  Quote,
  Snapshot,
  ValidateInput,
  Validation,
} from './types.js';

const TIMEOUT_MS = 15_000;

export interface ClientOptions {
  /** The lender's server, such as `https://credit.example`. */
  readonly endpoint: string;
  /** The edge worker; the server's address when left out. */
  readonly edge?: string;
  /** A public bundle already loaded. Without it and with `keys`, the client asks the edge for it. */
  readonly bundle?: Bundle;
  /** The public keys trusted to sign bundles. Without them the client computes nothing itself and asks the edge. */
  readonly keys?: readonly Jwk[];
  /** Language of texts, as a BCP 47 tag; the bundle's own when left out. */
  readonly locale?: string;
  /** How long one request may take, in milliseconds; 15,000 when left out. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof fetch;
  /** The time, for tests and sandboxes; the runtime's clock when left out. */
  readonly now?: () => Date;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface MoneyOptions extends CallOptions {
  /** One key for one intention, kept by the caller across retries and reloads; made here when left out. */
  readonly idempotencyKey?: string;
}

export interface PrequalifyRequest {
  readonly order: Order;
  readonly fields: Fields;
}

/** Makes a client. Nothing is fetched until it is used. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

/** See {@link createClient}. */
export class Client {
  readonly #options: ClientOptions;
  readonly #server: string;
  readonly #edge: string;
  readonly #http: HttpOptions;
  #bundle: Promise<Bundle | undefined> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#server = base(options.endpoint, 'endpoint');
    this.#edge = options.edge === undefined ? this.#server : base(options.edge, 'edge');
    const given = options.fetch;
    // Called through a function of our own: `fetch` of a window refuses any other `this`.
    this.#http = {
      fetch: (input, start) => (given ?? globalThis.fetch)(input, start),
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    };
  }

  /** `wasm` when answers are computed here, `edge` when they are asked for. */
  async mode(): Promise<'wasm' | 'edge'> {
    return (await this.#local()) === undefined ? 'edge' : 'wasm';
  }

  /** What an amount would cost, plan by plan: for messages, no promise. */
  async quote(order: Order, call: CallOptions = {}): Promise<Quote> {
    const bundle = await this.#local();
    if (bundle !== undefined) return quote(bundle, { ...order, today: this.#today(bundle) });
    return this.#ask('/v1/quote', order, call);
  }

  /** The application form. */
  async form(call: CallOptions = {}): Promise<Form> {
    const bundle = await this.#local();
    if (bundle !== undefined) return bundle.form(this.#options.locale);
    const locale =
      this.#options.locale === undefined ? '' : `?locale=${encodeURIComponent(this.#options.locale)}`;
    return this.#send({ method: 'GET', url: `${this.#edge}/v1/form${locale}`, signal: call.signal });
  }

  /** Checks fields; all errors at once. */
  async validate(input: Omit<ValidateInput, 'today'>, call: CallOptions = {}): Promise<Validation> {
    const bundle = await this.#local();
    if (bundle !== undefined) return validate(bundle, { ...input, today: this.#today(bundle) });
    return this.#ask('/v1/validate', input, call);
  }

  /** An estimate: `likely`, `needs` or `continue`. Through the wasm, nothing leaves the page. */
  async prequalify(input: PrequalifyRequest, call: CallOptions = {}): Promise<Prequalification> {
    const bundle = await this.#local();
    if (bundle === undefined) return this.#ask('/v1/prequalify', input, call);
    const now = this.#now();
    return prequalify(bundle, {
      application: { order: input.order, fields: input.fields },
      salt: salt(),
      as_of: `${now.toISOString().slice(0, 19)}Z`,
      today: bundle.today(now),
    });
  }

  /** One step of the application's first half. */
  async journey(
    snapshot: Snapshot | null,
    event: JourneyEvent,
    call: CallOptions = {},
  ): Promise<JourneyStep> {
    const bundle = await this.#local();
    if (bundle !== undefined) return journey(bundle, snapshot, event);
    return this.#ask('/v1/journey', { snapshot, event }, call);
  }

  /** Hands the application to the edge, which decides by the full bundle and signs what it offers. */
  requestOffers(request: OffersRequest, call: CallOptions = {}): Promise<OffersAnswer> {
    return this.#ask('/v1/offers', request, call);
  }

  /** Hands one signed offer to the server, which decides again. */
  submit(
    application: string,
    capability: string,
    offer: string,
    call: CallOptions = {},
  ): Promise<SubmitAnswer> {
    return this.#post(`/v1/applications/${id(application)}/submit`, { offer }, capability, call);
  }

  /** What must be told before the contract. Its reading time runs from the first call. */
  disclosure(application: string, capability: string, call: CallOptions = {}): Promise<DisclosureView> {
    return this.#get(`/v1/applications/${id(application)}/disclosure`, capability, call);
  }

  /** Confirms what was read, by its hash. */
  confirmDisclosure(
    application: string,
    capability: string,
    hash: string,
    call: CallOptions = {},
  ): Promise<DisclosureView> {
    return this.#post(`/v1/applications/${id(application)}/disclosure/confirm`, { hash }, capability, call);
  }

  /** How the agreement can be signed, and where the newest code stands. */
  signing(application: string, capability: string, call: CallOptions = {}): Promise<SigningView> {
    return this.#get(`/v1/applications/${id(application)}/sign`, capability, call);
  }

  /** Sends a one-time code to the applicant, which takes the place of the one before. */
  sendCode(application: string, capability: string, call: MoneyOptions = {}): Promise<CodeSent> {
    return this.#money(`/v1/applications/${id(application)}/sign/code`, {}, capability, call);
  }

  /** Signs the agreement: the loan is booked and the merchant is paid. */
  sign(
    application: string,
    capability: string,
    request: SignRequest,
    call: MoneyOptions = {},
  ): Promise<Booking> {
    return this.#money(`/v1/applications/${id(application)}/sign`, request, capability, call);
  }

  /** Where an application stands: for resuming it. */
  application(application: string, capability: string, call: CallOptions = {}): Promise<ApplicationStatus> {
    return this.#get(`/v1/applications/${id(application)}`, capability, call);
  }

  loan(loan: string, capability: string, call: CallOptions = {}): Promise<LoanView> {
    return this.#get(`/v1/loans/${id(loan)}`, capability, call);
  }

  /** The amount that settles the loan on `date`. */
  payoff(loan: string, capability: string, date: string, call: CallOptions = {}): Promise<PayoffView> {
    return this.#get(`/v1/loans/${id(loan)}/payoff?date=${encodeURIComponent(date)}`, capability, call);
  }

  statement(loan: string, capability: string, call: CallOptions = {}): Promise<StatementView> {
    return this.#get(`/v1/loans/${id(loan)}/statement`, capability, call);
  }

  agreement(loan: string, capability: string, call: CallOptions = {}): Promise<AgreementDocument> {
    return this.#get(`/v1/loans/${id(loan)}/agreement`, capability, call);
  }

  /** Starts a repayment. It counts when the payment provider confirms it. */
  pay(loan: string, capability: string, amount: number, call: MoneyOptions = {}): Promise<PaymentAnswer> {
    return this.#money(`/v1/loans/${id(loan)}/payments`, { amount }, capability, call);
  }

  /** The public bundle where wasm runs and the bundle is believed; otherwise `undefined`, and the edge is asked. */
  async #local(): Promise<Bundle | undefined> {
    this.#bundle ??= this.#load();
    try {
      return await this.#bundle;
    } catch (error) {
      this.#bundle = undefined;
      throw error;
    }
  }

  async #load(): Promise<Bundle | undefined> {
    const { bundle, keys } = this.#options;
    if (bundle === undefined && keys === undefined) return undefined;
    try {
      if (!isReady()) await init();
      if (bundle !== undefined) return bundle;
      const envelope = await this.#send<BundleEnvelope>({
        method: 'GET',
        url: `${this.#edge}/v1/bundle/public`,
      });
      return await loadBundle(envelope, { keys: keys ?? [] });
    } catch (error) {
      if (error instanceof WasmUnavailable) return undefined;
      // A browser without Ed25519 cannot check the bundle, and so asks the edge. A bundle that fails the check is
      // another matter: that is reported.
      if (error instanceof PrequalError && error.code === 'ed25519_unavailable') return undefined;
      throw error;
    }
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date();
  }

  #today(bundle: Bundle): string {
    return bundle.today(this.#now());
  }

  #ask<T>(path: string, body: unknown, call: CallOptions): Promise<T> {
    return this.#send({ method: 'POST', url: `${this.#edge}${path}`, body, signal: call.signal });
  }

  #get<T>(path: string, capability: string, call: CallOptions): Promise<T> {
    return this.#send({ method: 'GET', url: `${this.#server}${path}`, capability, signal: call.signal });
  }

  #post<T>(path: string, body: unknown, capability: string, call: CallOptions): Promise<T> {
    return this.#send({
      method: 'POST',
      url: `${this.#server}${path}`,
      body,
      capability,
      signal: call.signal,
    });
  }

  #money<T>(path: string, body: unknown, capability: string, call: MoneyOptions): Promise<T> {
    return this.#send({
      method: 'POST',
      url: `${this.#server}${path}`,
      body,
      capability,
      idempotencyKey: call.idempotencyKey ?? crypto.randomUUID(),
      signal: call.signal,
    });
  }

  #send<T>(request: HttpRequest): Promise<T> {
    return send(this.#http, request);
  }
}

function base(given: string, field: string): string {
  let url: URL;
  try {
    url = new URL(given, globalThis.location?.href);
  } catch (cause) {
    throw new PrequalError('invalid_endpoint', `\`${given}\` is not a web address`, { field, cause });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new PrequalError('invalid_endpoint', `\`${given}\` must begin with https:// or http://`, { field });
  }
  return url.href.replace(/[?#].*$/, '').replace(/\/+$/, '');
}

function id(given: string): string {
  return encodeURIComponent(given);
}
