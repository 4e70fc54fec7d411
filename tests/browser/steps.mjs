/** The steps of a purchase, in the order in which a person takes them. Each looks at what the page really says. */
import { expect, until } from './books.mjs';
import { codeField, codeFromInbox, shownDisclosure, storedDisclosure, wrongCode } from './contract.mjs';

/** The plan that is bought: neither the shortest nor the dearest. */
const COUNT = 6;
/** The merchant of the demo pays 3 % of the price. */
const MERCHANT_FEE_PERCENT = 3;
const MORE_THAN_ANY_DEBT = '9999.00';

/**
 * The steps of a person. `life` is what becomes of a loan that was made: `on-schedule`, or `returned`, where half of
 * the goods go back, an instalment falls late, and the rest is paid early.
 */
export function stepsFor(person, life = 'on-schedule') {
  const apply = [
    ['the cart shows what it would cost', seeCost],
    ['checkout shows the cost before anything else', openCheckout],
    ['consents are separate and not given', giveConsents],
    ['the form, step by step', fillForm],
    ['an estimate, computed in the browser', seeEstimate],
  ];
  if (person === 'declined') return [...apply, ['declined, with reasons and a number', seeDecline]];
  if (person !== 'approved') return [...apply, ['referred to a person', seeReferral]];
  return [
    ...apply,
    ['conditional offers from the edge', seeOffers],
    ['the server decides', submit],
    ['what it costs is read and confirmed', confirmDisclosure],
    ['the agreement is read', readAgreement],
    ['a one-time code signs', sign],
    ['the agreement is delivered', delivered],
    ['the merchant is paid, the loan is booked', merchantPaid],
    ['the order is confirmed', seeOrder],
    ['the loan is there', openAccount],
    ...(life === 'returned' ? RETURNED : ON_SCHEDULE),
  ];
}

const ON_SCHEDULE = [
  ['more than the debt is refused', payTooMuch],
  ['repaid to zero, payment by payment', repay],
  ['the books balance', booksBalance],
];

const RETURNED = [
  ['half of the goods go back', returnHalf],
  ['an instalment falls late', fallLate],
  ['what is overdue is paid', payOverdue],
  ['the rest is paid early', payEarly],
  ['the books balance', booksBalanceEarly],
];

const heading = (page, name) => page.getByRole('heading', { name });
const button = (page, name) => page.getByRole('button', { name });

async function seeCost(trip) {
  const { page, hands } = trip;
  trip.before = await trip.books?.ledger();
  await page.goto(`${trip.shop}/`);
  const message = page.locator('prequal-message p:not(.bone)').first();
  await message.filter({ hasText: 'monthly payments of' }).waitFor();
  const first = await message.textContent();
  const asked = () => message.textContent();
  await hands.press(button(page, 'One Kestrel city bicycle more'));
  await until('another cost', asked, (text) => text !== first);
  await hands.press(button(page, 'One Kestrel city bicycle less'));
  await until('the first cost', asked, (text) => text === first);
  await trip.shot('cart');
  await hands.press(button(page, 'All plans and an example'));
  await heading(page, 'Representative example').waitFor();
  await trip.shot('plans', { whole: false });
  await page.keyboard.press('Escape');
}

async function openCheckout(trip) {
  const { page, hands } = trip;
  await hands.press(page.getByRole('link', { name: 'Go to checkout' }));
  await heading(page, /over time with/).waitFor();
  await hands.choose(page.getByRole('radio', { name: String(COUNT), exact: true }));
  const cost = await page.locator('prequal-checkout dl.cost').first().textContent();
  const order = ['Amount', 'Payments', 'Each payment', 'Total to repay', 'Rate (APR)'].map((name) =>
    cost.indexOf(name),
  );
  if (order.some((at, index) => at < (order[index - 1] ?? 0)))
    throw new Error(`the cost is out of order: ${cost}`);
  await trip.shot('cost');
}

async function giveConsents(trip) {
  const { page, hands } = trip;
  const consents = await page.locator('prequal-checkout').getByRole('checkbox').all();
  for (const consent of consents) {
    if (await consent.isChecked()) throw new Error('a consent was given beforehand');
  }
  await hands.press(button(page, 'Continue'));
  await heading(page, /to correct/).waitFor();
  await trip.shot('consent-missing');
  for (const consent of consents) await hands.choose(consent);
  await hands.press(button(page, 'Continue'));
  await page.getByText(/^Step 1 of/).waitFor();
}

async function fillForm(trip) {
  const { page, hands } = trip;
  const form = page.locator('prequal-checkout form');
  const title = form.getByRole('heading', { level: 2 });
  const next = form.locator('button[type="submit"]');
  await hands.press(next);
  await heading(page, /to correct/).waitFor();
  await trip.shot('errors');
  if (!trip.keyboard) await hands.press(page.locator(`[data-person="${trip.person.id}"]`));
  for (let step = 1; ; step += 1) {
    if (trip.keyboard) await typeStep(trip, form);
    await trip.shot(`step-${step}`);
    const before = await title.textContent();
    const last = (await next.textContent()) === 'See my estimate';
    await hands.press(next);
    if (last) return;
    await until(
      'the next step',
      () => title.textContent(),
      (text) => text !== before,
    );
  }
}

/** Every control of the step that is shown, with the test person's answers typed. */
async function typeStep({ hands, person }, form) {
  for (const [id, value] of Object.entries(person.fields)) {
    const text = form.locator(`input.input[name="${id}"]`);
    const options = form.locator(`select[name="${id}"]`);
    const radio = form.locator(`input[type="radio"][name^="${id}-"][value="${value}"]`);
    const year = form.locator(`input[id^="${id}-year"]`);
    if ((await text.count()) > 0) {
      const amount = typeof value === 'number' ? (value / 100).toFixed(2) : value;
      await hands.fill(text, amount);
    } else if ((await options.count()) > 0) await hands.pick(options, value);
    else if ((await radio.count()) > 0) await hands.choose(radio);
    else if ((await year.count()) > 0) {
      const [y, m, d] = value.split('-');
      await hands.fill(form.locator(`input[id^="${id}-month"]`), m);
      await hands.fill(form.locator(`input[id^="${id}-day"]`), d);
      await hands.fill(year, y);
    }
  }
}

async function seeEstimate(trip) {
  const { page, hands } = trip;
  const ask = button(page, 'Ask for my offers');
  await ask.waitFor();
  await page
    .getByText('This is an estimate, not a decision')
    .or(page.getByText('neither a yes nor a no'))
    .waitFor();
  await page.getByText('It was worked out on this device').waitFor();
  await trip.shot('estimate');
  await page.reload();
  await ask.waitFor();
  await hands.press(ask);
}

async function seeOffers(trip) {
  const { page, hands } = trip;
  await heading(page, /offers? for/).waitFor();
  await trip.shot('offers');
  const offer = page.getByRole('radio', { name: `${COUNT} monthly payments` });
  await hands.choose(offer);
  trip.shown = await page.locator('.offer').filter({ has: offer }).locator('dl').textContent();
  await page.reload();
  await heading(page, /offers? for/).waitFor();
  if (!(await offer.isChecked())) throw new Error('the chosen offer was forgotten by a reload');
}

async function submit(trip) {
  const { page, hands } = trip;
  await hands.press(button(page, `Continue with ${COUNT} payments`));
  await heading(page, /^Approved/).waitFor();
  await trip.shot('disclosure');
  await page.reload();
  await heading(page, /^Approved/).waitFor();
}

/** What stands there is what the lender keeps; and nobody confirms without having said so. */
async function confirmDisclosure(trip) {
  const { page, hands } = trip;
  const stored = await storedDisclosure(page);
  expect('the text before the contract', await shownDisclosure(page), stored.text);
  const confirm = button(page, 'Confirm and continue');
  const read = page.getByRole('checkbox', { name: /^I have read this information/ });
  expect('whether it is ticked beforehand', await read.isChecked(), false);
  await hands.press(confirm);
  await heading(page, /to correct/).waitFor();
  await trip.shot('disclosure-unread');
  await hands.choose(read);
  await hands.press(confirm);
  await heading(page, /^Read the agreement/).waitFor();
  const { confirmed, hash } = await storedDisclosure(page);
  expect('what was confirmed', hash, stored.hash);
  if (confirmed === null) throw new Error('the server does not know that it was confirmed');
}

async function readAgreement(trip) {
  const { page } = trip;
  const agreed = await page.locator('prequal-checkout dl.cost').first().textContent();
  if (!agreed.endsWith(trip.shown))
    throw new Error(`the agreement says ${agreed}, the offer said ${trip.shown}`);
  await trip.shot('agreement');
  await page.reload();
  await heading(page, /^Read the agreement/).waitFor();
}

async function sign(trip) {
  const { page, hands } = trip;
  const go = button(page, /^Sign and borrow/);
  await hands.press(button(page, 'Send me a code'));
  const field = codeField(page);
  await field.waitFor();
  expect('what a phone may fill in', await field.getAttribute('autocomplete'), 'one-time-code');
  await page.getByLabel(/•••@/).waitFor();
  const code = await codeFromInbox(page);
  await trip.shot('code');
  await hands.fill(field, wrongCode(code));
  await hands.press(go);
  await page.getByText('This is not the code that was sent last').first().waitFor();
  await trip.shot('code-wrong');
  // Chromium writes of every refusal; this one was asked for, and is the only one until here.
  await until(
    'the refusal',
    () => trip.complaints.length,
    (count) => count > 0,
  );
  const refusals = trip.complaints.splice(0);
  if (refusals.length > 1 || !refusals[0].includes('422'))
    throw new Error(`the page complained: ${refusals.join('; ')}`);
  await page.reload();
  await hands.fill(field, code);
  await hands.press(go);
  await heading(page, /^Signed/).waitFor();
  trip.signed = trip.states.findLast((each) => each.state === 'signed');
  if (trip.signed?.loan_id === undefined) throw new Error('the page was not told of the loan');
  await trip.shot('signed');
  const stored = await page.evaluate(() => JSON.stringify(Object.values(sessionStorage)));
  if (stored.includes(trip.person.fields.email)) throw new Error('answers of the form are still stored');
  if (stored.includes(code)) throw new Error('the code is still stored');
  const told = JSON.stringify(trip.states);
  if (told.includes(code) || told.includes('@')) throw new Error('the page was told more than ids');
}

async function delivered(trip) {
  if (trip.books === undefined) return;
  const ask = () => trip.books.notices(trip.signed.application_id);
  await until('the agreement', ask, (sent) => sent.signing_code === 'sent' && sent.agreement === 'sent');
}

async function merchantPaid(trip) {
  if (trip.books === undefined) return;
  const { checkout, loan_id } = trip.signed;
  const ask = () => trip.books.order(checkout);
  const order = await until('the payout', ask, (each) => each.payout?.status === 'settled');
  expect('the merchant’s fee', order.fee, Math.round((order.amount * MERCHANT_FEE_PERCENT) / 100));
  expect('what the merchant was paid', order.paid_amount, order.amount - order.fee);
  trip.loan = await trip.books.loan(loan_id);
  const ledger = await trip.books.ledger();
  expect('the rise of the receivable', ledger.receivable - trip.before.receivable, trip.loan.offer.principal);
  expect('the merchant’s fee income', ledger.merchantFees - trip.before.merchantFees, order.fee);
  expect('what is still owed to the merchant', ledger.merchantPayable, trip.before.merchantPayable);
  expect('the trial balance', ledger.balanced, true);
}

async function seeOrder(trip) {
  const { page, hands } = trip;
  await hands.press(page.getByRole('link', { name: 'Continue to your order' }));
  await page.getByText('Your order is paid').waitFor();
  await trip.shot('order');
}

async function openAccount(trip) {
  const { page, hands } = trip;
  await hands.press(page.getByRole('link', { name: 'See and repay your loan' }));
  await page.getByText('You owe today').waitFor();
  await trip.shot('loan');
}

async function payTooMuch(trip) {
  const { page, hands } = trip;
  await hands.choose(page.getByRole('radio', { name: 'Another amount' }));
  await hands.fill(page.getByLabel('Amount to pay'), MORE_THAN_ANY_DEBT);
  await hands.press(button(page, /^Pay \$/));
  await page
    .getByText(/more than you owe/)
    .first()
    .waitFor();
  await trip.shot('above-payoff');
  await page.reload();
  await page.getByText('You owe today').waitFor();
}

async function repay(trip) {
  const { page, hands } = trip;
  const account = page.locator('prequal-account');
  for (let payment = 1; payment <= COUNT; payment += 1) {
    await hands.press(button(page, /^Move the clock to/));
    await page.getByText('The clock was moved').waitFor();
    await account.getByRole('cell', { name: 'Due now' }).waitFor();
    if (payment === 1) await trip.shot('due');
    await hands.press(account.getByRole('button', { name: /^Pay \$/ }));
    if (payment === 1) {
      await account
        .getByText(/is on its way/)
        .first()
        .waitFor();
      await trip.shot('paying');
    }
    const paid = account.getByRole('cell', { name: 'Paid', exact: true });
    await until(
      `payment ${payment}`,
      () => paid.count(),
      (count) => count === payment,
    );
    if (payment === 1) await trip.shot('paid-one');
  }
  await heading(page, 'Paid in full').waitFor();
  await trip.shot('paid-in-full');
  await hands.press(account.getByText('Statement', { exact: true }));
  await account.getByRole('table').nth(1).waitFor();
  await trip.shot('statement');
}

async function booksBalance(trip) {
  if (trip.books === undefined) return;
  const loan = await trip.books.loan(trip.signed.loan_id);
  expect('the loan’s status', loan.status, 'settled');
  expect('what is owed', loan.balance.total, 0);
  const ledger = await trip.books.ledger();
  expect('the receivable', ledger.receivable, trip.before.receivable);
  expect('the interest receivable', ledger.interestReceivable, trip.before.interestReceivable);
  expect(
    'the interest income',
    ledger.interestIncome - trip.before.interestIncome,
    trip.loan.offer.total_interest,
  );
  expect('the trial balance', ledger.balanced, true);
}

/** Presses the demo's control twice: the second press must give nothing back. */
async function returnHalf(trip) {
  const { page, hands } = trip;
  const owed = trip.books && (await trip.books.loan(trip.signed.loan_id));
  await hands.press(button(page, 'Return half of the goods'));
  await page.getByText('The shop took half of the goods back').waitFor();
  await trip.shot('returned');
  if (owed === undefined) return;
  const loan = await trip.books.loan(trip.signed.loan_id);
  trip.refund = Math.floor(loan.offer.price / 2);
  expect('what is owed after the return', loan.balance.total, owed.balance.total - trip.refund);
}

async function fallLate(trip) {
  const { page, hands } = trip;
  const account = page.locator('prequal-account');
  await hands.press(button(page, 'Let the next payment fall late'));
  await page.getByText('The clock was moved').waitFor();
  await account.getByRole('cell', { name: 'Overdue' }).first().waitFor();
  await account.getByText('please pay this first').waitFor();
  await trip.shot('overdue');
}

/** Pays what the element offers first, which is what is overdue, and waits until nothing is. */
async function payOverdue(trip) {
  const { page, hands } = trip;
  const account = page.locator('prequal-account');
  await hands.press(account.getByRole('button', { name: /^Pay \$/ }));
  await until(
    'the late payment',
    () => account.getByRole('cell', { name: 'Overdue' }).count(),
    (count) => count === 0,
  );
  await account
    .getByText(/has arrived/)
    .first()
    .waitFor();
  await trip.shot('caught-up');
}

async function payEarly(trip) {
  const { page, hands } = trip;
  const account = page.locator('prequal-account');
  await hands.choose(account.getByRole('radio', { name: /^Pay off everything/ }));
  await hands.press(account.getByRole('button', { name: /^Pay \$/ }));
  await heading(page, 'Paid in full').waitFor();
  await trip.shot('paid-off-early');
  await hands.press(account.getByText('Statement', { exact: true }));
  await account.getByText('Goods returned').waitFor();
  await trip.shot('statement-of-a-return');
}

async function booksBalanceEarly(trip) {
  if (trip.books === undefined) return;
  const loan = await trip.books.loan(trip.signed.loan_id);
  expect('the loan’s status', loan.status, 'settled');
  expect('what is owed', loan.balance.total, 0);
  const ledger = await trip.books.ledger();
  expect('the receivable', ledger.receivable, trip.before.receivable);
  expect('the interest receivable', ledger.interestReceivable, trip.before.interestReceivable);
  // Owed by the shop until the day's jobs make a claim of it.
  const owed = ({ merchantPayable, merchantClaims }) => merchantClaims - merchantPayable;
  expect('what the shop owes for the goods', owed(ledger) - owed(trip.before), trip.refund);
  const interest = ledger.interestIncome - trip.before.interestIncome;
  if (!(interest > 0 && interest < trip.loan.offer.total_interest))
    throw new Error(
      `interest of ${interest} where ${trip.loan.offer.total_interest} was quoted for the whole`,
    );
  expect('the trial balance', ledger.balanced, true);
}

async function seeDecline(trip) {
  const { page } = trip;
  await heading(page, /cannot offer you credit/).waitFor();
  await ended(trip, 'declined');
}

async function seeReferral(trip) {
  const { page } = trip;
  await heading(page, /person will look/).waitFor();
  await ended(trip, 'referred');
}

/** A refusal is specific, and has a number to ask about. */
async function ended(trip, state) {
  const { page } = trip;
  expect('the number of reasons', (await page.locator('.reasons li').count()) > 0, true);
  await page.getByText('Decision number').waitFor();
  const told = trip.states.findLast((each) => each.state === state);
  if (told?.decision_id === undefined) throw new Error('there is no decision id');
  await trip.shot(`${trip.person.id}`);
}
