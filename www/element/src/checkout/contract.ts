import { ProblemError } from 'prequal';
import type { Doing } from '../lib/problem.js';
import type { Signature, Signing } from '../types.js';
import type { Draft, Phase } from './draft.js';
import type { Flow } from './flow.js';
import type { Refused } from './signature-view.js';

/** What the element lends to the steps between the approval and the loan. */
export interface ContractHost {
  readonly flow: Flow;
  readonly draft: Draft;
  save(): void;
  go(phase: Phase): void;
  /** Goes where the server says that the application stands. */
  goByServer(): Promise<void>;
  announce(text: string): void;
  attempt(
    press: HTMLButtonElement | undefined,
    label: string,
    action: () => Promise<void>,
    doing?: Doing,
  ): Promise<void>;
  /** The agreement is signed. */
  signed(): void;
}

/** The person confirms what was told. Too early for the law, the clock is asked again. */
export function confirm(host: ContractHost, press: HTMLButtonElement): Promise<void> {
  return host.attempt(press, 'Confirming', async () => {
    try {
      await host.flow.confirm();
      host.go('agreement');
    } catch (error) {
      if (slugOf(error) !== 'reading-time' && slugOf(error) !== 'agreement-differs') throw error;
      await host.goByServer();
    }
  });
}

/** Has a code sent, and shows where it stands. */
export function sendCode(
  host: ContractHost,
  press: HTMLButtonElement,
  shown: (signing: Signing, message?: string) => void,
): Promise<void> {
  return host.attempt(press, 'Sending a code', async () => {
    let message: string | undefined;
    try {
      await host.flow.sendCode(() => host.save());
    } catch (error) {
      // One is on its way already, from another tab; or there were as many as there are.
      if (slugOf(error) !== 'code-wait' && slugOf(error) !== 'too-many') throw error;
      if (slugOf(error) === 'too-many') message = 'No more codes can be sent for this application.';
    }
    const signing = await host.flow.readSigning();
    // Asked again after a problem, the view that asked is gone.
    if (!press.isConnected) host.go('agreement');
    else shown(signing, message);
    if (message === undefined)
      host.announce(
        signing.sent_to === null ? 'A code is on its way.' : `A code is on its way to ${signing.sent_to}.`,
      );
  });
}

/** Signs; what is wrong with the signature itself is said at its field. */
export async function sign(
  host: ContractHost,
  signature: Signature,
  press: HTMLButtonElement,
  refused: (why: Refused) => void,
): Promise<void> {
  const { full_name: given } = host.draft.fields;
  if (
    signature.method === 'typed_name' &&
    typeof given === 'string' &&
    fold(given) !== fold(signature.name)
  ) {
    refused({ message: `type your name as in your application: ${given}` });
    return;
  }
  const signing = async () => {
    try {
      await host.flow.sign(signature, () => host.save());
    } catch (error) {
      const why = await refusal(host, error, signature);
      if (why === 'elsewhere') await host.goByServer();
      else if (press.isConnected) refused(why);
      else host.go('agreement');
      return;
    }
    host.signed();
  };
  await host.attempt(press, 'Signing', signing, 'sign');
}

/** What to say of a signature that was refused; whatever is not about the signature is thrown on. */
async function refusal(
  host: ContractHost,
  error: unknown,
  signature: Signature,
): Promise<Refused | 'elsewhere'> {
  const slug = slugOf(error);
  const problem = error instanceof ProblemError ? error.problem : {};
  if (slug === 'signature-name') return { message: 'type your name as in your application' };
  if (slug === 'disclosure-unconfirmed' || problem.reason === 'method') return 'elsewhere';
  const code = slug === 'signing-code' || (slug === 'too-many' && signature.method === 'one_time_code');
  if (!code) throw error;
  const left = Number(problem.attempts_left ?? 0);
  if (problem.reason === 'wrong' && left > 0) {
    const tries = left === 1 ? 'One more try is left' : `${left} more tries are left`;
    return { message: `This is not the code that was sent last. ${tries}.` };
  }
  const signing = await host.flow.readSigning();
  if (problem.reason === 'expired') return { message: 'The code has run out. Nothing was signed.', signing };
  const often = problem.reason === 'wrong' || slug === 'too-many';
  const message = often
    ? 'That was not the code, and it was mistyped too often. Nothing was signed.'
    : 'This code does not hold any more. Nothing was signed.';
  return { message, signing };
}

function slugOf(error: unknown): string | undefined {
  return error instanceof ProblemError ? error.code : undefined;
}

function fold(name: string): string {
  return name.normalize('NFKC').trim().replaceAll(/\s+/gu, ' ').toLocaleLowerCase();
}
