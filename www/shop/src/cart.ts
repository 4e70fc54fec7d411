import { price, product, products } from './page.js';

/** The shop's own storage; the elements leave it alone. */
const KEY = 'halden-cart';
export const QUANTITY_MAX = 9;

export interface Line {
  readonly sku: string;
  readonly quantity: number;
}

/** A first visit starts with one thing in the cart, so that there is a cost to look at. */
export function readCart(): Line[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? 'null');
    if (Array.isArray(stored)) {
      return stored.filter(
        (line): line is Line =>
          product(line?.sku) !== undefined && Number.isInteger(line?.quantity) && line.quantity > 0,
      );
    }
  } catch {
    // A broken cart is a new cart.
  }
  const first = products[0];
  return first === undefined ? [] : [{ sku: first.sku, quantity: 1 }];
}

export function writeCart(cart: readonly Line[]): void {
  localStorage.setItem(KEY, JSON.stringify(cart));
}

export function setQuantity(cart: readonly Line[], sku: string, quantity: number): Line[] {
  const kept = Math.min(Math.max(quantity, 0), QUANTITY_MAX);
  if (kept === 0) return cart.filter((line) => line.sku !== sku);
  if (!cart.some((line) => line.sku === sku)) return [...cart, { sku, quantity: kept }];
  return cart.map((line) => (line.sku === sku ? { sku, quantity: kept } : line));
}

export function totalOf(cart: readonly Line[]): number {
  return cart.reduce((sum, line) => sum + line.quantity * (product(line.sku)?.amount ?? 0), 0);
}

/** Draws the cart's lines with their steppers; `change` gets the new quantity. */
export function drawLines(
  list: HTMLElement,
  cart: readonly Line[],
  change: (sku: string, quantity: number) => void,
): void {
  const held = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined;
  list.replaceChildren(...cart.map((line) => lineOf(line, change)));
  if (held !== undefined) list.querySelector<HTMLElement>(`[data-key="${held}"]`)?.focus();
}

function lineOf(line: Line, change: (sku: string, quantity: number) => void): HTMLElement {
  const item = document.createElement('li');
  const name = product(line.sku)?.name ?? line.sku;
  const title = document.createElement('span');
  title.textContent = name;
  const amount = document.createElement('span');
  amount.className = 'amount';
  amount.textContent = price(line.quantity * (product(line.sku)?.amount ?? 0));
  const stepper = document.createElement('span');
  stepper.className = 'stepper';
  stepper.setAttribute('role', 'group');
  stepper.setAttribute('aria-label', `Quantity of ${name}`);
  const count = document.createElement('output');
  count.textContent = String(line.quantity);
  const press = (text: string, label: string, quantity: number) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text;
    button.setAttribute('aria-label', label);
    button.dataset.key = `${line.sku}-${text === '+' ? 'more' : 'less'}`;
    button.addEventListener('click', () => change(line.sku, quantity));
    return button;
  };
  stepper.append(
    press('−', line.quantity === 1 ? `Remove ${name}` : `One ${name} less`, line.quantity - 1),
    count,
    press('+', `One ${name} more`, line.quantity + 1),
  );
  item.append(title, amount, stepper);
  return item;
}
