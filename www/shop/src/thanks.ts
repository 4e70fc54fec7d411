import { orderStatus } from './backend.js';
import { readOrder } from './order.js';
import { byId } from './page.js';

const WORDS: Readonly<Record<string, string>> = {
  settled: 'Your order is paid. We are packing it.',
  paid: 'Your order is paid. We are packing it.',
  requested: 'The lender is paying us now. We pack your order as soon as the money is here.',
  pending: 'The lender is paying us now. We pack your order as soon as the money is here.',
};
const PAID = new Set(['settled', 'paid']);
const LOOKS_MAX = 20;
const PAUSE_MS = 1500;

const order = readOrder();

function fact(name: string, value: string): void {
  const row = document.createElement('div');
  const term = document.createElement('dt');
  const text = document.createElement('dd');
  term.textContent = name;
  text.textContent = value;
  row.append(term, text);
  byId('facts').append(row);
}

async function follow(checkout: string): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    try {
      const { status } = await orderStatus(checkout);
      byId('status').textContent = WORDS[status] ?? 'Your order is not paid yet.';
      if (PAID.has(status)) return;
    } catch {
      byId('status').textContent =
        'We cannot see the state of your order right now. It is safe; reload this page later.';
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

if (order === undefined) {
  byId('status').textContent = 'There is no order here yet.';
} else {
  fact('Order number', order.merchant_order);
  if (order.account !== undefined) {
    const link = byId<HTMLAnchorElement>('to-account');
    link.href = order.account;
    link.hidden = false;
  }
  void follow(order.checkout);
}
