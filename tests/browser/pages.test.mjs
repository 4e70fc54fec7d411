/**
 * What the pages do when things go otherwise than well, against the running demo: shop, worker, server and provider
 * are real, and the wire is cut or the clock moved by the test.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { until } from './books.mjs';
import { codeField, codeFromInbox } from './contract.mjs';
import { openPage } from './page.mjs';
import { purchase } from './purchase.mjs';

const { SHOP_URL: shop, SERVER_URL: server, EDGE_URL: edge } = process.env;
const { LENDER_KEY: lenderKey, MERCHANT_KEY: merchantKey, PROVIDER_KEY, PROVIDER_URL } = process.env;
const access = { server, lenderKey, merchantKey };
const silent = () => undefined;
const HOUR_SECONDS = 3600;

const ada = JSON.parse(
  readFileSync(new URL('../../www/shop/src/persons.json', import.meta.url), 'utf8'),
).find((person) => person.id === 'approved');

let opened;
async function open(options) {
  opened = await openPage(options);
  return opened.page;
}
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

before(() => {
  assert.ok(shop && server && edge, 'the demo must run: SHOP_URL, SERVER_URL and EDGE_URL say where');
});

const heading = (page, name) => page.getByRole('heading', { name });
const button = (page, name) => page.getByRole('button', { name });

/** To the estimate, with the test person's answers. */
async function apply(page) {
  await page.goto(`${shop}/checkout`);
  await heading(page, /over time with/).waitFor();
  for (const consent of await page.locator('prequal-checkout').getByRole('checkbox').all())
    await consent.check();
  await button(page, 'Continue').click();
  await page.getByText('Step 1 of').waitFor();
  await page.locator('[data-person="approved"]').click();
  await button(page, 'Continue').click();
  await page.getByText('Step 2 of').waitFor();
  await button(page, 'See my estimate').click();
  await button(page, 'Ask for my offers').waitFor();
}

async function toOffers(page) {
  await apply(page);
  await button(page, 'Ask for my offers').click();
  await heading(page, /offers? for/).waitFor();
  await page.getByRole('radio', { name: '6 monthly payments' }).check();
}

/** To the agreement with a code typed under it. */
async function toSignature(page) {
  await toOffers(page);
  await button(page, /Continue with/).click();
  await page.getByRole('checkbox', { name: /^I have read this information/ }).check();
  await button(page, 'Confirm and continue').click();
  await button(page, 'Send me a code').click();
  await codeField(page).fill(await codeFromInbox(page));
}

async function moveClock(seconds) {
  const headers = { authorization: `Bearer ${lenderKey}`, 'content-type': 'application/json' };
  const { now } = await (await fetch(`${server}/v1/sandbox/clock`, { headers })).json();
  const later = `${new Date(Date.parse(now) + seconds * 1000).toISOString().slice(0, 19)}Z`;
  await fetch(`${server}/v1/sandbox/clock`, { method: 'PUT', headers, body: JSON.stringify({ now: later }) });
}

test('a whole purchase can be made and repaid with the keyboard alone, at 360 px, in the dark', async () => {
  await purchase({ shop, width: 360, keyboard: true, dark: true, access, report: silent });
});

for (const person of ['referred', 'declined', 'no-record']) {
  test(`${person}: the answer comes with reasons and the number of the decision`, async () => {
    await purchase({ shop, width: 360, person, access, report: silent });
  });
}

// Alma's widgets: no update when the cart changes.
test('a cart that changes elsewhere after the offer stops the purchase, and keeps the answers', async () => {
  const page = await open();
  await toOffers(page);
  const order = await page.evaluate(() => JSON.parse(sessionStorage.getItem('halden-order')));
  await page.request.put(`${shop}/api/checkout/${order.checkout}`, {
    data: { items: [{ sku: 'desk-alder', quantity: 1 }] },
  });
  await button(page, /Continue with/).click();
  await heading(page, 'Your cart has changed').waitFor();
  await button(page, 'Get offers for the new amount').click();
  await button(page, 'Ask for my offers').click();
  await heading(page, /offers? for/).waitFor();
});

test('a quantity changed beside the form asks for new offers and leaves the focus where it was', async () => {
  const page = await open();
  await toOffers(page);
  const more = button(page, 'One Kestrel city bicycle more');
  await more.click();
  await heading(page, /rules you out|from your answers/).waitFor();
  const focused = await page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  assert.equal(focused, 'One Kestrel city bicycle more');
  await button(page, 'Ask for my offers').click();
  await heading(page, /offers? for \$2,598\.00|cannot offer you credit/).waitFor();
});

test('offers that have run out are asked for again without filling in anything', async () => {
  const page = await open();
  await toOffers(page);
  await moveClock(HOUR_SECONDS);
  await button(page, /Continue with/).click();
  await heading(page, 'These offers have run out').waitFor();
  // The checkout of the shop lasts no longer than the offers did: the shop is asked for the price again as well.
  await button(page, 'Get new offers').click();
  const again = heading(page, /offers? for/);
  const over = heading(page, 'This checkout has run out');
  await again.or(over).waitFor();
  if (await over.isVisible()) {
    await button(page, 'Refresh the price').click();
    await button(page, 'Ask for my offers').click();
    await again.waitFor();
  }
});

test('without a connection the page says so, keeps the answers, and goes on when it is back', async () => {
  const page = await open();
  await apply(page);
  await opened.context.setOffline(true);
  await button(page, 'Ask for my offers').click();
  await heading(page, 'You seem to be offline').waitFor();
  await opened.context.setOffline(false);
  await button(page, 'Try again').click();
  await heading(page, /offers? for/).waitFor();
});

test('a busy lender is said to be busy, and asked again', async () => {
  const page = await open();
  await apply(page);
  await page.route(`${edge}/v1/offers`, (route) => route.fulfill({ status: 503, body: 'busy' }), {
    times: 1,
  });
  await button(page, 'Ask for my offers').click();
  await heading(page, 'The lender is busy').waitFor();
  await button(page, 'Try again').click();
  await heading(page, /offers? for/).waitFor();
});

test('where the page forbids WebAssembly, the edge gives the same cost and the same journey', async () => {
  // The page's headers are changed on their way, which makes Chromium take it for a page from the Internet; it would
  // then ask the person before the page may reach an edge on this machine.
  const page = await open({ flags: ['--disable-features=LocalNetworkAccessChecks'] });
  await page.goto(shop);
  const message = page.locator('prequal-message p:not(.bone)').first();
  await message.filter({ hasText: 'monthly payments of' }).waitFor();
  const computed = await message.textContent();
  const asked = [];
  page.on('request', (request) => {
    if (request.url().startsWith(edge)) asked.push(new URL(request.url()).pathname);
  });
  await page.route(`${shop}/**`, async (route) => {
    const response = await route.fetch();
    const headers = response.headers();
    const policy = headers['content-security-policy'];
    if (policy !== undefined) headers['content-security-policy'] = policy.replace("'wasm-unsafe-eval'", '');
    await route.fulfill({ response, headers });
  });
  await page.reload();
  await message.filter({ hasText: 'monthly payments of' }).waitFor();
  assert.equal(await message.textContent(), computed);
  assert.ok(asked.includes('/v1/quote'), 'the cost was asked of the edge');
  await apply(page);
  await page.getByText('Your answers were checked for this estimate and not stored').waitFor();
});

// Alma's widgets: the plan vanishes when the API fails.
test('the message keeps the last cost when it cannot compute, and says for what it was', async () => {
  const page = await open();
  await page.route(`${edge}/**`, (route) => route.abort());
  await page.goto(shop);
  const message = page.locator('prequal-message');
  await message.getByText('We cannot work out paying $1,299.00 over time right now').waitFor();
  await page.unroute(`${edge}/**`);
  await button(page, 'One Kestrel city bicycle more').click();
  await message.getByText('monthly payments of').waitFor();
});

// Alma's widgets: the merchant's own storage is wiped.
test('answers survive a reload in the middle of the form, and the shop’s own storage is left alone', async () => {
  const page = await open();
  await page.goto(`${shop}/checkout`);
  await heading(page, /over time with/).waitFor();
  for (const consent of await page.locator('prequal-checkout').getByRole('checkbox').all())
    await consent.check();
  await button(page, 'Continue').click();
  await page.getByLabel('Full name').fill('Ada Byron');
  await page.getByLabel('Year').fill('1990');
  await page.evaluate(() => localStorage.setItem('shop-note', 'mine'));
  await page.reload();
  await page.getByText('Step 1 of').waitFor();
  assert.equal(await page.getByLabel('Full name').inputValue(), 'Ada Byron');
  assert.equal(await page.getByLabel('Year').inputValue(), '1990');
  assert.equal(await page.evaluate(() => localStorage.getItem('shop-note')), 'mine');
  const kept = await page.evaluate(() => JSON.stringify(Object.values(localStorage)));
  assert.ok(!kept.includes('Ada Byron'), 'answers are kept in the tab’s session only');
});

test('an error is told where it is, when the field is left', async () => {
  const page = await open();
  await page.goto(`${shop}/checkout`);
  await heading(page, /over time with/).waitFor();
  for (const consent of await page.locator('prequal-checkout').getByRole('checkbox').all())
    await consent.check();
  await button(page, 'Continue').click();
  const email = page.getByLabel('E-mail address');
  await email.fill('ada at example');
  await email.blur();
  await until(
    'the error',
    () => email.getAttribute('aria-invalid'),
    (invalid) => invalid === 'true',
  );
  const described = await email.getAttribute('aria-describedby');
  const words = await email.evaluate(
    (input, ids) =>
      ids
        .split(' ')
        .map((id) => input.getRootNode().getElementById(id)?.textContent)
        .join(' '),
    described,
  );
  assert.match(words, /name@example\.com/u);
  await email.fill(ada.fields.email);
  await email.blur();
  await until(
    'no error',
    () => email.getAttribute('aria-invalid'),
    (invalid) => invalid === 'false',
  );
});

test('to go on without having chosen an offer is told as an error', async () => {
  const page = await open();
  await apply(page);
  // The plan on the first view is taken over into the offers; here nothing is.
  await page.route(`${edge}/v1/offers`, async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    const offers = answer.offers.map((offer) => ({ ...offer, plan: `${offer.plan}-other` }));
    await route.fulfill({ response, json: { ...answer, offers } });
  });
  await button(page, 'Ask for my offers').click();
  await button(page, 'Choose an offer').click();
  await page.getByText('Choose one of the offers to go on').waitFor();
  const group = page.getByRole('radiogroup', { name: 'Offers' });
  assert.equal(await group.getAttribute('aria-invalid'), 'true');
});

test('whoever stops is asked first, and finds the answers again', async () => {
  const page = await open();
  await toOffers(page);
  await button(page, 'No, thanks').click();
  await button(page, 'Go back').click();
  await heading(page, /offers? for/).waitFor();
  await button(page, 'No, thanks').click();
  await button(page, 'Stop here').click();
  await heading(page, 'You stopped here').waitFor();
  await button(page, 'Start again').click();
  await heading(page, /over time with/).waitFor();
  await button(page, 'Continue').click();
  await page.getByText('Step 1 of').waitFor();
  assert.equal(await page.getByLabel('Full name').inputValue(), ada.fields.full_name);
});

test('a signing without an answer is said to be unknown, and is not done twice', async () => {
  const page = await open();
  await toSignature(page);
  // The server signs, and its answer is lost on the way, as often as the page asks by itself.
  let lost = 0;
  await page.route(`${server}/v1/applications/*/sign*`, async (route) => {
    if (route.request().method() !== 'POST' || lost >= 3) return route.continue();
    lost += 1;
    await route.fetch();
    return route.abort('connectionreset');
  });
  await button(page, /^Sign and borrow/).click();
  await page.getByText('We do not know yet whether it went through').first().waitFor();
  assert.equal(await page.getByText('Nothing was borrowed').count(), 0);
  await button(page, 'Try again').click();
  await heading(page, /^Signed/).waitFor();
  assert.ok(lost > 0);
});

test('money above the debt is shown as owed back', async (context) => {
  if (PROVIDER_URL === undefined || PROVIDER_KEY === undefined)
    return context.skip('the provider’s key is not given');
  const page = await open();
  await toSignature(page);
  await button(page, /^Sign and borrow/).click();
  await heading(page, /^Signed/).waitFor();
  await page.getByRole('link', { name: 'See and repay this loan' }).click();
  await page.getByText('You owe today').waitFor();
  const loan = await page.locator('prequal-account').getAttribute('loan');
  const headers = { authorization: `Bearer ${lenderKey}` };
  const { now } = await (await fetch(`${server}/v1/sandbox/clock`, { headers })).json();
  const sent = await fetch(`${PROVIDER_URL}/v1/incoming`, {
    method: 'POST',
    headers: { authorization: `Bearer ${PROVIDER_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reference: loan, amount: 130_400, currency: 'USD', value_date: now.slice(0, 10) }),
  });
  assert.ok(sent.ok, await sent.text());
  const read = async () => (await fetch(`${server}/v1/loans/${loan}`, { headers })).json();
  await until('the settlement', read, (each) => each.status === 'settled');
  await page.reload();
  await heading(page, 'Paid in full').waitFor();
  await page.getByText('The lender owes you $5.00').waitFor();
});

after(() => opened?.close());
