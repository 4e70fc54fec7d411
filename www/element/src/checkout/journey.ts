import { type Client, type JourneyEvent, type JourneyState, ProblemError, type Snapshot } from 'prequal';
import type { FieldError } from '../types.js';
import type { Draft } from './draft.js';

/**
 * The lifecycle's first half, kept by the core: each thing that happens is an event, and the snapshot it gives back is
 * saved with the draft. What the core refuses did not happen.
 */
export class Journey {
  constructor(
    private readonly client: Client,
    private readonly draft: Draft,
  ) {}

  get snapshot(): Snapshot | undefined {
    return this.draft.snapshot;
  }

  get state(): JourneyState | undefined {
    return this.draft.snapshot?.state;
  }

  /** What the core has against the event; nothing when it happened. */
  async tell(event: JourneyEvent): Promise<readonly FieldError[]> {
    const step = await this.client.journey(this.draft.snapshot ?? null, event);
    if (step.errors.length === 0) this.draft.snapshot = step.snapshot;
    return step.errors;
  }

  /** Begins, or goes on from a stored snapshot. One that the core no longer accepts is begun anew. */
  async begin(order: { amount: number; currency: string }, now: string, today: string): Promise<void> {
    if (this.draft.snapshot !== undefined) {
      const priced = same(this.draft.snapshot.order, order);
      const restored = await this.accepts({ type: 'restore', now, today });
      if (restored && (priced || (await this.accepts({ type: 'order_changed', order })))) return;
      this.draft.snapshot = undefined;
    }
    await this.tell({ type: 'start', order });
  }

  private async accepts(event: JourneyEvent): Promise<boolean> {
    try {
      return (await this.tell(event)).length === 0;
    } catch (error) {
      // A stored snapshot was in the shopper's hands: one that cannot be read counts for nothing.
      if (error instanceof ProblemError && error.status >= 500) throw error;
      return false;
    }
  }
}

function same(
  one: { amount: number; currency: string },
  other: { amount: number; currency: string },
): boolean {
  return one.amount === other.amount && one.currency === other.currency;
}
