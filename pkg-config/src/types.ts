/**
 * The shapes that cross the boundary. Amounts are integers in minor units (cents), rates and percentages are exact
 * decimal strings, dates are `YYYY-MM-DD` and instants RFC 3339 in UTC with whole seconds.
 */

export interface Installment {
  readonly number: number;
  readonly due: string;
  readonly principal: number;
  readonly interest: number;
  readonly fee: number;
  readonly total: number;
  /** The principal still owed after this instalment. */
  readonly balance: number;
}

/** A credit contract from which a schedule follows, to the cent. */
export interface Terms {
  readonly currency: string;
  readonly principal: number;
  readonly start: string;
  readonly rate?: {
    readonly annual_percent?: string;
    readonly daily_percent?: string;
    readonly day_count?: string;
    readonly minimum_days?: number;
  };
  readonly repayment: {
    readonly method: string;
    readonly count?: number;
    readonly every?: string;
    readonly first_due?: string;
    readonly month_end?: 'clamp' | 'roll' | 'stick';
    readonly due_dates?: readonly string[];
    readonly [more: string]: unknown;
  };
  readonly rounding?: 'half_even' | 'half_up' | 'down' | 'up';
  readonly adjust_installment?: boolean;
  readonly [more: string]: unknown;
}

export interface Schedule {
  readonly installments: readonly Installment[];
  readonly total_principal: number;
  readonly total_interest: number;
  readonly total_fee: number;
  readonly total: number;
}

/** One dated cash flow, or a run of equal ones. */
export interface Flow {
  readonly date?: string;
  readonly years?: string;
  readonly amount: number;
  readonly count?: number;
  readonly every?: string;
}

export interface AprInput {
  readonly convention: string;
  readonly currency: string;
  readonly unit_period?: string;
  readonly year_basis?: string;
  readonly advances: readonly Flow[];
  readonly payments: readonly Flow[];
}

export interface Apr {
  readonly apr_percent: string;
  readonly apr_percent_exact: string;
  readonly effective_percent?: string;
}

/** A legal ceiling as data. Exactly one of `ceiling_percent`, `multiple` with `reference`, and `bands` is its height. */
export interface Cap {
  readonly id: string;
  /** The statute or rule, for readers. */
  readonly basis?: string;
  /** The first and the last day on which it binds contracts that are signed. */
  readonly from: string;
  readonly until?: string;
  /** Types of lender that it binds; every one where absent. */
  readonly lenders?: readonly string[];
  /** What it limits: the annual rate where absent. */
  readonly measure?: 'annual_rate' | 'daily_cost' | 'total_cost' | 'late_fees' | 'default_rate';
  /** How an annual rate is found: `us_reg_z`, `cn_irr`, …; for `annual_rate`. */
  readonly convention?: string;
  /** Codes of fees that the law does not count. */
  readonly excludes?: readonly string[];
  readonly year_days?: number;
  /** In per cent; equal to it is allowed. */
  readonly ceiling_percent?: string;
  /** So many times the reference rate of the day of signature. */
  readonly multiple?: string;
  readonly reference?: readonly { readonly from: string; readonly percent: string }[];
  /** Ceilings by what is lent, the smallest first. */
  readonly bands?: readonly { readonly amount_max?: number; readonly ceiling_percent: string }[];
  /** Late fees are also at most this; for `late_fees`. */
  readonly amount?: number;
}

export interface CapsInput {
  readonly terms: Terms;
  readonly caps: readonly Cap[];
  /** What being late costs, as `prequal payoff` takes it. */
  readonly penalty?: Readonly<Record<string, unknown>>;
  readonly late_fee?: Readonly<Record<string, unknown>>;
  /** The type of the lender, as caps name it. */
  readonly lender?: string;
  /** Charges paid at once. */
  readonly upfront?: number;
}

/** What one cap says. */
export interface CapFinding {
  readonly cap: string;
  readonly measure: string;
  readonly reached_percent: string;
  readonly ceiling_percent: string;
  readonly passes: boolean;
  /** Why it is broken, where what was reached does not say so: only time limits the cost of default. */
  readonly reason?: string;
  /** The highest rate or fee, as the terms state it, at which every cap would be kept; only where one is broken. */
  readonly highest_price_percent?: string;
}

export interface CapsVerdict {
  readonly passes: boolean;
  /** One entry for each cap that binds this lender on this day. */
  readonly findings: readonly CapFinding[];
  readonly cost_of_default: CostOfDefault;
}

/** What being late would cost, known before signing. */
export interface CostOfDefault {
  readonly penalty?: {
    /** Per cent, of a day where `daily`, else of a year. */
    readonly percent: string;
    readonly daily: boolean;
    readonly base: string;
    readonly mode: string;
    readonly grace_days: number;
  };
  /** The most that late fees can come to when nothing is ever paid. */
  readonly late_fees_most: number;
  /** The most that penalty interest can come to; absent where only time limits it. */
  readonly penalty_most?: number;
}

/** One plan with its exact schedule: an estimate in a quote, a condition in an offer. */
export interface Offer {
  readonly plan: string;
  readonly product: string;
  readonly currency: string;
  readonly price: number;
  readonly down_payment: number;
  readonly principal: number;
  readonly count: number;
  readonly rate_annual_percent: string;
  readonly apr: Apr & { readonly convention: string };
  readonly total_interest: number;
  readonly total_fee: number;
  readonly total: number;
  /** What being late would cost; absent where it costs nothing. */
  readonly cost_of_default?: CostOfDefault;
  /** What being late costs, as `prequal payoff` takes it; absent where it costs nothing. */
  readonly penalty?: Readonly<Record<string, unknown>>;
  readonly late_fee?: Readonly<Record<string, unknown>>;
  /** The law's ceilings on the charges of the loan's life. */
  readonly charge_caps?: readonly Readonly<Record<string, unknown>>[];
  readonly first_due: string;
  readonly last_due: string;
  readonly installments: readonly Installment[];
  readonly terms: Terms;
  /** SHA-256 of the canonical offer without this member. */
  readonly terms_hash: string;
}

/** An offer the edge has signed; `jws` goes to the server as it is. */
export interface SignedOffer extends Offer {
  readonly offer_id: string;
  readonly jws: string;
}

export interface QuoteInput {
  readonly amount: number;
  readonly currency: string;
  /** The business date in the bundle's time zone: `bundle.today(new Date())`. */
  readonly today: string;
}

/** What it would cost at the dearest price of the public bundle: for messages, no promise. */
export interface Quote {
  readonly plans: readonly Offer[];
  readonly notice: string;
}

export type FieldType =
  | 'person_name'
  | 'date'
  | 'email'
  | 'phone'
  | 'money'
  | 'choice'
  | 'resident_id'
  | 'text'
  | 'consent';

export interface FormField {
  readonly id: string;
  readonly type: FieldType;
  /** Of a consent, the sentence that is consented to. */
  readonly label: string;
  /** A hint to show before the field; may be empty. */
  readonly help?: string;
  readonly required: boolean;
  /** The answers of a `choice`; empty otherwise. */
  readonly choices?: readonly { readonly value: string; readonly label: string }[];
  readonly date_min?: string;
  readonly date_max?: string;
  readonly money_min?: number;
  readonly money_max?: number;
  readonly text_chars_max?: number;
  /** What a consent is for. */
  readonly purpose?: string;
  /** SHA-256 of a consent's sentence: what `requestOffers` records. */
  readonly text_hash?: string;
}

export interface FormStep {
  readonly id: string;
  readonly title: string;
  readonly reaches: 'consented' | 'identified' | 'described';
  readonly fields: readonly FormField[];
}

export interface Form {
  readonly steps: readonly FormStep[];
  /** What must stand beside every offer. */
  readonly label: string;
  readonly lender: { readonly name: string };
  readonly currency: string;
  /** The language of the texts. */
  readonly locale: string;
}

export interface Order {
  readonly amount: number;
  readonly currency: string;
}

export type FieldValue = string | number | boolean;
export type Fields = Readonly<Record<string, FieldValue>>;

export interface ValidateInput {
  readonly order?: Order;
  readonly fields: Fields;
  readonly today: string;
  /** Only this step of the form; the whole form when left out. */
  readonly step?: string;
  /** The language of the messages; the bundle's own when left out. */
  readonly locale?: string;
}

export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

export interface Validation {
  readonly ok: boolean;
  /** All errors at once. */
  readonly errors: readonly FieldError[];
}

/** How far an item of evidence is to be believed, weakest first. */
export type Assurance = 'declared' | 'browser' | 'third_party' | 'signed' | 'own';

export type Evidence =
  | { readonly value: FieldValue; readonly assurance: Assurance; readonly source: string }
  | { readonly missing: 'not_asked' | 'timed_out' | 'no_record' | 'invalid'; readonly source?: string };

export interface DecisionInput {
  readonly application: { readonly order: Order; readonly fields: Fields };
  readonly evidence?: Readonly<Record<string, Evidence>>;
  /** 16 to 64 random bytes in hex: what keeps a hash over personal input from being guessed back. */
  readonly salt: string;
  readonly as_of: string;
  readonly today: string;
}

export interface Reason {
  readonly code: string;
  readonly text: string;
}

export interface Need {
  readonly kind: 'field' | 'evidence';
  readonly id: string;
  readonly code: string;
  readonly text: string;
}

interface Outcome {
  readonly offers: readonly Offer[];
  readonly reasons: readonly Reason[];
  readonly needs: readonly Need[];
  /** One line a step: names, row numbers, counts and points, nothing personal. */
  readonly trace: readonly string[];
  readonly bundle_hash: string;
  readonly input_hash: string;
  readonly semantics: number;
}

/** A decision by the full bundle. */
export interface Decision extends Outcome {
  readonly outcome: 'eligible' | 'referred' | 'declined' | 'needs';
  /** Until when the offers stand. */
  readonly expires: string;
}

/** An estimate by the public bundle: never signed, and never a decline of credit. */
export interface Prequalification extends Outcome {
  readonly outcome: 'likely' | 'needs' | 'continue';
}

export type JourneyState =
  | 'draft'
  | 'consented'
  | 'identified'
  | 'described'
  | 'prequalified'
  | 'offer_selected'
  | 'submitted'
  | 'approved'
  | 'referred'
  | 'declined'
  | 'signed'
  | 'expired'
  | 'withdrawn';

export interface OfferReference {
  readonly offer_id: string;
  readonly plan: string;
  readonly terms_hash: string;
}

/** An application in progress. Kept by the page, versioned, and untrusted when restored. */
export interface Snapshot {
  readonly version: number;
  readonly state: JourneyState;
  readonly bundle_hash: string;
  readonly order: Order;
  readonly fields?: Fields;
  readonly steps_done?: readonly string[];
  readonly consents?: readonly {
    readonly purpose: string;
    readonly text_hash: string;
    readonly given_at: string;
  }[];
  readonly standing?: 'likely' | 'needs' | 'continue';
  readonly offers?: readonly OfferReference[];
  readonly offer_id?: string;
  readonly expires?: string;
  readonly application_id?: string;
  readonly decision_id?: string;
}

/** What happened. `now` is an instant, `today` the business date. */
export type JourneyEvent =
  | { readonly type: 'start'; readonly order: Order }
  | {
      readonly type: 'fill';
      readonly step: string;
      readonly fields: Fields;
      readonly now: string;
      readonly today: string;
      readonly locale?: string;
    }
  | { readonly type: 'prequalified'; readonly outcome: 'likely' | 'needs' | 'continue' }
  | {
      readonly type: 'offers_received';
      readonly application_id: string;
      readonly expires: string;
      readonly offers: readonly OfferReference[];
    }
  | { readonly type: 'select_offer'; readonly offer_id: string; readonly now: string }
  | { readonly type: 'submit'; readonly now: string }
  | {
      readonly type: 'server_status';
      readonly application_id: string;
      readonly decision_id?: string;
      readonly state: JourneyState;
    }
  | { readonly type: 'sign' }
  | { readonly type: 'order_changed'; readonly order: Order }
  | { readonly type: 'tick'; readonly now: string }
  | { readonly type: 'withdraw' }
  | { readonly type: 'restore'; readonly now: string; readonly today: string };

/** What the page should do next; the core does nothing itself. */
export type JourneyAction =
  | { readonly type: 'show_step'; readonly step: string }
  | { readonly type: 'prequalify' }
  | { readonly type: 'request_offers' }
  | { readonly type: 'show_offers' }
  | { readonly type: 'submit'; readonly offer_id: string }
  | { readonly type: 'show_agreement' }
  | { readonly type: 'sign'; readonly decision_id: string }
  | { readonly type: 'fetch_status'; readonly application_id: string }
  | { readonly type: 'show_result' }
  | { readonly type: 'save' }
  | { readonly type: 'discard' };

export interface JourneyStep {
  readonly snapshot: Snapshot;
  readonly actions: readonly JourneyAction[];
  /** What was wrong with the event; the snapshot is then as before. */
  readonly errors: readonly FieldError[];
}

/** An Ed25519 key (RFC 8037). Only the public members are ever read. */
export interface Jwk {
  readonly kty: string;
  readonly crv?: string;
  readonly x?: string;
  readonly kid?: string;
  readonly [more: string]: unknown;
}
