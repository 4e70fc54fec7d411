/** What the edge and the server take and answer. Amounts are integers in minor units. */
import type { Fields, Installment, Need, Offer, Reason, SignedOffer } from './types.js';

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
  readonly expires?: string;
}

export interface SignRequest {
  readonly decision_id: string;
  readonly agreement_hash: string;
  readonly signature: { readonly method: 'typed_name'; readonly name: string };
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
