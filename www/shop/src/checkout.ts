import 'prequal/element';
import type { PrequalCheckout } from 'prequal/element';
import { changeCart, makeCheckout, Refused } from './backend.js';
import { drawLines, type Line, readCart, setQuantity, totalOf, writeCart } from './cart.js';
import { watchInbox } from './inbox.js';
import { readOrder, writeOrder } from './order.js';
import { byId, connect, price } from './page.js';
import persons from './persons.json';

const element = byId<PrequalCheckout>('checkout');
let cart = readCart();
let closed = false;

function draw(): void {
  drawLines(byId('lines'), cart, (sku, quantity) => void change(sku, quantity));
  byId('total').textContent = price(totalOf(cart));
}

async function change(sku: string, quantity: number): Promise<void> {
  if (closed) return;
  cart = setQuantity(cart, sku, quantity);
  writeCart(cart);
  if (cart.length === 0) {
    location.assign('/');
    return;
  }
  draw();
  await reprice();
}

/** One checkout for one order: a changed cart changes it, and gets a new token. */
async function reprice(): Promise<void> {
  const lines: readonly Line[] = cart;
  const key = JSON.stringify(lines);
  const order = readOrder();
  try {
    if (order?.account !== undefined && cart.length === 0) {
      // Reloaded after the end: the result is shown again.
      element.setAttribute('checkout-token', order.token);
      finish();
      return;
    }
    if (order?.account !== undefined) {
      writeOrder(undefined);
      await reprice();
      return;
    }
    if (order?.cart === key && order.token !== '') {
      element.setAttribute('checkout-token', order.token);
      return;
    }
    const made = order === undefined ? await makeCheckout(lines) : await changeCart(order.checkout, lines);
    writeOrder({
      checkout: made.id,
      token: made.token,
      merchant_order: made.merchant_order ?? order?.merchant_order ?? '',
      cart: key,
    });
    element.setAttribute('checkout-token', made.token);
    byId('trouble').hidden = true;
    element.hidden = false;
  } catch (error) {
    if (order !== undefined && error instanceof Refused && (error.status === 404 || error.status === 409)) {
      // The order was paid, or the lender has forgotten it: the next one is a new order.
      writeOrder(undefined);
      await reprice();
      return;
    }
    byId('trouble').textContent =
      'Paying over time cannot be prepared right now. Your cart is kept; reload the page to try again.';
    byId('trouble').hidden = false;
    // What the element shows is for another cart than the one beside it.
    element.hidden = true;
  }
}

let demo = false;

element.addEventListener('prequal:state', (event) => {
  const { state, application_id } = (event as CustomEvent<{ state: string; application_id?: string }>).detail;
  if (demo && application_id !== undefined) watchInbox(application_id);
  if (state !== 'cart_changed') return;
  // The element asks for the price again: the old token is spent.
  const order = readOrder();
  if (order !== undefined) writeOrder({ ...order, cart: '' });
  void reprice();
});

/** The order is paid: nothing in it can change, and the way on is open. */
function finish(): void {
  closed = true;
  for (const button of byId('lines').querySelectorAll('button')) button.disabled = true;
  byId('after').hidden = false;
}

element.addEventListener('prequal:complete', () => {
  finish();
  const order = readOrder();
  const account = element.accountLink();
  if (order !== undefined && account !== undefined) writeOrder({ ...order, account });
  writeCart([]);
});

for (const person of persons) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button quiet';
  button.textContent = person.title;
  button.dataset.person = person.id;
  button.addEventListener('click', () => {
    element.prefill(person.fields);
    byId('demo-status').textContent = `The form is filled in as ${person.fields.full_name}.`;
  });
  byId('persons').append(button);
}

if (cart.length === 0 && readOrder()?.account === undefined) location.replace('/');
draw();
void connect(element).then(async (config) => {
  demo = config.demo;
  byId('demo').hidden = !demo;
  await reprice();
});
