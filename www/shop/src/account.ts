import 'prequal/element';
import type { PrequalAccount } from 'prequal/element';
import { readClock, setClock } from './backend.js';
import { readOrder } from './order.js';
import { byId, connect } from './page.js';

const element = byId<PrequalAccount>('account');
const advance = byId<HTMLButtonElement>('advance');
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

advance.addEventListener('click', async () => {
  if (due === undefined) return;
  advance.disabled = true;
  try {
    // Afternoon in the lender's time zone, so that its business date is the due date.
    await setClock(`${due}T17:00:00Z`);
    await element.refresh();
    await showClock();
    byId('demo-status').textContent = 'The clock was moved.';
  } catch {
    byId('demo-status').textContent = 'The clock could not be moved.';
    advance.disabled = false;
  }
});

window.addEventListener('hashchange', apply);
apply();
void connect(element).then((config) => {
  byId('demo').hidden = !config.demo;
  if (config.demo) void showClock().catch(() => undefined);
});
