/** What the edge and the server take and answer. Amounts are integers in minor units. */
import type { CostOfDefault, Fields, Installment, Need, Offer, Reason, SignedOffer } from './types.js';

export interface Consent {
  readonly purpose: string;
  /** SHA-256 of the text that was agreed to. */
  readonly text_hash: string;
  readonly given_at: string;
}

export interface OffersRequest {
  /** The merchant's signed checkout token. */
  readonly checkout_token: string;
  readonly fields: Fields;
  readonly consents: readonly Consent[];
}

export interface OffersAnswer {
  readonly outcome: 'eligible' | 'referred' | 'declined' | 'needs';
  /** Absent while fields are still needed: nothing was recorded then. */
  readonly application_id?: string;
  readonly capability?: string;
  readonly decision_id?: string;
  readonly offers: readonly SignedOffer[];
  readonly expires?: string;
  readonly reasons: readonly Reason[];
  readonly needs: readonly Need[];
}

export interface Agreement {
  readonly text: string;
  readonly hash: string;
  readonly offer: Offer;
}

export interface SubmitAnswer {
  readonly decision_id: string;
  readonly outcome: 'approved' | 'referred' | 'declined';
  readonly reasons: readonly Reason[];
  readonly agreement?: Agreement;
  /** The hash of the information before the contract, where approved. */
  readonly disclosure_hash?: string | null;
  readonly expires?: string;
}

/** Equal payments in a row. */
export interface PaymentRun {
  readonly amount: number;
  readonly count: number;
  readonly first_due: string;
  readonly last_due: string;
}

/** The closed-end box of the United States (12 CFR 1026.18). */
export interface UsBox {
  readonly apr_percent: string;
  readonly finance_charge: number;
  readonly amount_financed: number;
  readonly total_of_payments: number;
  readonly total_sale_price: number;
  readonly down_payment: number;
  readonly payments: readonly PaymentRun[];
  readonly late_payment: CostOfDefault;
  readonly prepayment_fee: boolean;
  readonly prepayment_rebate: boolean;
  readonly [more: string]: unknown;
}

/** The figures of the European standard form (Directive (EU) 2023/2225, Annex I). */
export interface EuInformation {
  readonly total_amount_of_credit: number;
  readonly duration_days: number;
  readonly last_due: string;
  readonly borrowing_rate_percent?: string;
  readonly borrowing_rate_daily: boolean;
  readonly aprc_percent: string;
  readonly installments: readonly PaymentRun[];
  readonly total_payable: number;
  readonly total_cost_of_credit: number;
  readonly withdrawal_days?: number;
  readonly [more: string]: unknown;
}

/** The Chinese table of what a loan costs: what it does not list is not charged. */
export interface CnCostTable {
  readonly principal: number;
  readonly fees: readonly {
    readonly code: string;
    readonly payee: string;
    readonly method: 'on_outstanding' | 'first' | 'each' | 'spread' | 'at_once';
    readonly rate_percent?: string;
    readonly rate_per?: 'year' | 'day' | 'period' | 'term';
    readonly amount: number;
  }[];
  readonly total_cost: number;
  readonly annualised_percent: string;
  readonly cost_of_default: CostOfDefault;
  readonly [more: string]: unknown;
}

/** The figures of the information before a contract; `amounts` is a {@link UsBox}, {@link EuInformation} or {@link CnCostTable}. */
export interface DisclosureDocument {
  readonly form: string;
  readonly amounts: UsBox | EuInformation | CnCostTable;
  readonly currency: string;
  /** Of the offer it is made of. */
  readonly terms_hash: string;
  readonly [more: string]: unknown;
}

/** What is told before a contract, as the server keeps it. */
export interface DisclosureView {
  readonly decision_id: string;
  readonly jurisdiction: 'us' | 'eu' | 'cn';
  readonly form: string;
  readonly document: DisclosureDocument;
  /** The same in words. */
  readonly text: string;
  /** SHA-256 of the canonical `{"document":…,"text":…}`. */
  readonly hash: string;
  /** Whether nothing can be signed before it is confirmed. */
  readonly confirmation_required: boolean;
  /** For how long it must be shown before that. */
  readonly reading_seconds: number;
  /** How much of that is left. */
  readonly seconds_left: number;
  readonly presented: string | null;
  readonly confirmed: string | null;
}

/** How the agreement can be signed, and where the newest code stands. */
export interface SigningView {
  readonly decision_id: string;
  readonly agreement_hash: string;
  /** What signs here; the one to propose first. */
  readonly methods: readonly ('one_time_code' | 'typed_name')[];
  /** Where codes go, masked. */
  readonly sent_to: string | null;
  readonly code: {
    readonly code_id: string;
    readonly expires: string;
    readonly seconds_left: number;
    /** How often it may still be mistyped. */
    readonly attempts_left: number;
    /** When its message went out. */
    readonly sent: string | null;
  } | null;
  /** How many more codes can be asked for. */
  readonly codes_left: number;
  /** In how many seconds the next can be asked for. */
  readonly wait_seconds: number;
}

/** A code is on its way. */
export interface CodeSent {
  readonly code_id: string;
  readonly expires: string;
  readonly attempts_max: number;
}

/** A signature: the code that was sent last, or the applicant's own name where the lender takes one. */
export type Signature =
  | { readonly method: 'one_time_code'; readonly code: string }
  | { readonly method: 'typed_name'; readonly name: string };

export interface SignRequest {
  readonly decision_id: string;
  readonly agreement_hash: string;
  readonly signature: Signature;
}

export interface Booking {
  readonly loan_id: string;
  readonly capability: string;
  readonly status: string;
}

export interface ApplicationStatus {
  readonly application_id: string;
  readonly status: string;
  readonly [more: string]: unknown;
}

export interface Amounts {
  readonly principal: number;
  readonly interest: number;
  readonly fee: number;
  readonly penalty: number;
  readonly total: number;
}

export interface LoanInstallment extends Installment {
  readonly status: 'paid' | 'partly_paid' | 'due' | 'overdue' | 'upcoming';
  readonly paid: number;
}

export interface LoanPayment {
  readonly id: string;
  readonly amount: number;
  readonly status: string;
  readonly value_date?: string | null;
}

export interface LoanView {
  readonly id: string;
  readonly status: string;
  readonly currency: string;
  readonly principal: number;
  readonly balance: Amounts;
  /** Money received beyond the debt, owed back to the shopper. */
  readonly credit_balance: number;
  readonly next_due: { readonly due: string; readonly amount: number } | null;
  readonly today: string;
  readonly installments: readonly LoanInstallment[];
  readonly payments: readonly LoanPayment[];
  readonly offer: Offer;
  readonly agreement_hash: string;
}

export interface PayoffView extends Amounts {
  readonly date: string;
  readonly [more: string]: unknown;
}

export interface StatementEvent {
  readonly type: string;
  /** From which day it counts. */
  readonly value_date: string;
  /** On which day it was booked. */
  readonly booked: string;
  /** Of a receipt, the sum of the five parts that follow. */
  readonly amount: number;
  readonly principal: number;
  readonly interest: number;
  readonly fee: number;
  readonly penalty: number;
  /** What was more than the debt, and is owed back. */
  readonly excess: number;
  /** Principal still owed after the event. */
  readonly principal_balance: number;
  readonly [more: string]: unknown;
}

export interface StatementView {
  readonly events: readonly StatementEvent[];
  readonly [more: string]: unknown;
}

export interface AgreementDocument {
  readonly text: string;
  readonly hash: string;
  readonly [more: string]: unknown;
}

export interface PaymentAnswer {
  readonly payment_id: string;
  readonly status: string;
}
