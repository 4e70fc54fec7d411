import 'prequal/element';
import type { PrequalAccount } from 'prequal/element';
import { Refused, readClock, returnHalf, setClock } from './backend.js';
import { readOrder } from './order.js';
import { byId, connect } from './page.js';

const element = byId<PrequalAccount>('account');
const advance = byId<HTMLButtonElement>('advance');
const late = byId<HTMLButtonElement>('late');
const giveBack = byId<HTMLButtonElement>('return');
/** How long after its due day the demo lets a payment lie: past a technical grace of a few days. */
const DAYS_LATE = 10;
const DAY_MS = 86_400_000;
const day = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' });
let due: string | undefined;

/** The link's fragment, or the loan of the order just made. */
function access(): URLSearchParams {
  const own = new URLSearchParams(location.hash.slice(1));
  if (own.has('loan')) return own;
  return new URLSearchParams((readOrder()?.account ?? '').split('#')[1] ?? '');
}

function apply(): void {
  const params = access();
  for (const name of ['loan', 'capability']) {
    const value = params.get(name);
    if (value !== null) element.setAttribute(name, value);
  }
}

element.addEventListener('prequal:loan', (event) => {
  const detail = (event as CustomEvent<{ next_due?: string; today: string }>).detail;
  due = detail.next_due;
  const ahead = due !== undefined && due > detail.today;
  advance.disabled = !ahead;
  late.disabled = due === undefined;
  if (due === undefined) advance.textContent = 'Nothing is left to fall due';
  else
    advance.textContent = ahead
      ? `Move the clock to ${day.format(new Date(due))}`
      : 'A payment is due: pay it first';
});

async function showClock(): Promise<void> {
  const { now } = await readClock();
  byId('clock').textContent = `In the sandbox it is ${day.format(new Date(now))}.`;
}

function say(text: string): void {
  byId('demo-status').textContent = text;
}

/** Afternoon in the lender's time zone, so that its business date is the day meant. */
async function moveTo(date: string, button: HTMLButtonElement): Promise<void> {
  button.disabled = true;
  try {
    await setClock(`${date}T17:00:00Z`);
    await element.refresh();
    await showClock();
    say('The clock was moved.');
  } catch {
    say('The clock could not be moved.');
    button.disabled = false;
  }
}

advance.addEventListener('click', () => {
  if (due !== undefined) void moveTo(due, advance);
});

late.addEventListener('click', () => {
  if (due === undefined) return;
  const after = new Date(Date.parse(due) + DAYS_LATE * DAY_MS);
  void moveTo(after.toISOString().slice(0, 10), late);
});

giveBack.addEventListener('click', async () => {
  const order = readOrder()?.checkout;
  if (order === undefined) return;
  giveBack.disabled = true;
  try {
    const { amount } = await returnHalf(order);
    await element.refresh();
    const sum = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' }).format(amount / 100);
    say(`The shop took half of the goods back: ${sum} comes off the loan.`);
  } catch (error) {
    say(error instanceof Refused ? `Nothing was given back: ${error.message}.` : 'The shop did not answer.');
    giveBack.disabled = false;
  }
});

window.addEventListener('hashchange', apply);
apply();
void connect(element).then((config) => {
  byId('demo').hidden = !config.demo;
  // Only who has just bought here has an order to bring back.
  giveBack.hidden = readOrder()?.checkout === undefined;
  if (config.demo) void showClock().catch(() => undefined);
});
