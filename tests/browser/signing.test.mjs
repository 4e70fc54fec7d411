/**
 * From the approval to the signature, in real Chromium against real servers: what must be told before a contract is
 * told as it is kept, confirmed before anything is signed, and what signs is a code that was sent.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { until } from './books.mjs';
import {
  asShopper,
  codeField,
  codeFromInbox,
  draftOf,
  shownDisclosure,
  storedDisclosure,
  wrongCode,
} from './contract.mjs';
import { lenderWith } from './lender.mjs';
import { camera, hands, openPage } from './page.mjs';

const { SHOP_URL, LENDER_KEY, SERVER_URL, SCREENSHOTS: screenshots } = process.env;
/** The server's rules: how long a code holds, when another may be asked for, how often one may be mistyped. */
const CODE_SECONDS = 600;
const ATTEMPTS_MAX = 5;
/** The law's reading time of the Chinese lender. */
const READING_SECONDS = 10;

const lenders = {};
let opened;
async function open(options) {
  opened = await openPage(options);
  const { page } = opened;
  opened.states = [];
  await page.exposeFunction('__told', (detail) => opened.states.push(detail));
  await page.addInitScript(() =>
    addEventListener('prequal:state', (event) => globalThis.__told(event.detail)),
  );
  return page;
}
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

before(async () => {
  assert.ok(SHOP_URL, 'the demo must run: SHOP_URL says where');
  lenders.cn = await lenderWith('of-china', 'jurisdiction = "cn"\nsigning = "one_time_code"');
  const reason = 'signing = "any"\ntyped_name_reason = "a test of the name alone"';
  lenders.eu = await lenderWith('of-europe', `jurisdiction = "eu"\n${reason}`);
});
after(async () => {
  await opened?.close();
  await Promise.all(Object.values(lenders).map((lender) => lender.stop()));
});

const heading = (page, name) => page.getByRole('heading', { name });
const button = (page, name) => page.getByRole('button', { name });
const confirmButton = (page) => button(page, 'Confirm and continue');
const readBox = (page) => page.getByRole('checkbox', { name: /^I have read this information/ });
const status = (page) => page.locator('prequal-checkout').getByRole('status');

/** Through the whole application, to what must be told before the contract. */
async function toDisclosure(page, shop = SHOP_URL) {
  await submit(page, shop);
  await heading(page, /^Approved/).waitFor();
}

async function submit(page, shop) {
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
  await button(page, 'Ask for my offers').click();
  await heading(page, /offers? for/).waitFor();
  await page.getByRole('radio', { name: '6 monthly payments' }).check();
  await button(page, /Continue with/).click();
}

async function toAgreement(page, shop) {
  await toDisclosure(page, shop);
  await readBox(page).check();
  await confirmButton(page).click();
  await heading(page, /^Read the agreement/).waitFor();
}

async function moveClock(seconds) {
  const headers = { authorization: `Bearer ${LENDER_KEY}`, 'content-type': 'application/json' };
  const { now } = await (await fetch(`${SERVER_URL}/v1/sandbox/clock`, { headers })).json();
  const later = `${new Date(Date.parse(now) + seconds * 1000).toISOString().slice(0, 19)}Z`;
  const body = JSON.stringify({ now: later });
  await fetch(`${SERVER_URL}/v1/sandbox/clock`, { method: 'PUT', headers, body });
}

/** Every control of the element has a name, is big enough for a thumb, and no id stands twice. */
async function accessible(page) {
  const wrong = await page.locator('prequal-checkout').evaluate((element) => {
    const root = element.shadowRoot;
    const ids = [...root.querySelectorAll('[id]')].map((each) => each.id);
    const found = ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `#${id} stands twice`);
    for (const each of root.querySelectorAll('[aria-describedby], [aria-labelledby], label[for]')) {
      for (const name of ['aria-describedby', 'aria-labelledby', 'for'])
        for (const id of (each.getAttribute(name) ?? '').split(' ').filter(Boolean))
          if (root.getElementById(id) === null)
            found.push(`${each.localName} names #${id}, which is not there`);
    }
    for (const each of root.querySelectorAll('button, input, select, a, [tabindex="0"]')) {
      const named =
        each.textContent.trim() !== '' ||
        each.labels?.length > 0 ||
        each.hasAttribute('aria-label') ||
        each.hasAttribute('aria-labelledby');
      if (!named) found.push(`${each.outerHTML.slice(0, 80)} has no name`);
      const { height } = (each.closest('label') ?? each).getBoundingClientRect();
      if (height < 44) found.push(`${each.textContent.slice(0, 40)} is ${height} px high`);
    }
    const levels = [...root.querySelectorAll('h1, h2, h3')].map((each) => each.localName);
    if (levels[0] !== 'h2') found.push('the first heading of the view is not its title');
    for (const each of root.querySelectorAll('table'))
      if (each.caption === null || each.querySelector('th[scope]') === null)
        found.push('a table without heads');
    return found;
  });
  assert.deepEqual(wrong, []);
}

for (const width of [360, 1440]) {
  test(`what it costs is told before the contract as the lender keeps it, and bound to the offer, at ${width} px`, async () => {
    const page = await open({ width });
    const shot = camera(page, screenshots, `signing-${width}-`);
    await toDisclosure(page);
    const stored = await storedDisclosure(page);
    assert.equal(await shownDisclosure(page), stored.text);
    await page.getByText(stored.hash).waitFor();
    // The box of 12 CFR 1026.18, with the figures of the very quote.
    const cell = (name) => page.locator('.box > div', { hasText: name }).locator('.number').textContent();
    const dollars = (cents) => (cents / 100).toLocaleString('en-US', { style: 'currency', currency: 'USD' });
    const { amounts, terms_hash } = stored.document;
    assert.equal(await cell('FINANCE CHARGE'), dollars(amounts.finance_charge));
    assert.equal(await cell('ANNUAL PERCENTAGE RATE'), `${amounts.apr_percent}%`);
    assert.equal(await cell('Amount Financed'), dollars(amounts.amount_financed));
    assert.equal(await cell('Total of Payments'), dollars(amounts.total_of_payments));
    const { decision } = await draftOf(page);
    assert.equal(terms_hash, decision.agreement.offer.terms_hash);
    assert.equal(await page.evaluate(() => document.activeElement?.localName), 'prequal-checkout');
    await accessible(page);
    await shot('us-box');
    // A copy to keep is the very text.
    const saving = page.waitForEvent('download');
    await button(page, 'Save a copy').click();
    const copy = await (await saving).createReadStream();
    let text = '';
    for await (const chunk of copy) text += chunk;
    assert.equal(text, `${stored.text}\nSHA-256 ${stored.hash}\n`);
  });
}

test('nothing is signed before it was confirmed, whoever asks', async () => {
  const page = await open();
  await toDisclosure(page);
  assert.equal(await readBox(page).isChecked(), false, 'nothing is ticked beforehand');
  await confirmButton(page).click();
  await heading(page, 'One thing to correct').waitFor();
  assert.equal((await storedDisclosure(page)).confirmed, null);
  const { decision } = await draftOf(page);
  const signing = (code) => ({
    decision_id: decision.decision_id,
    agreement_hash: decision.agreement.hash,
    signature: { method: 'one_time_code', code },
  });
  // Past the page: a code can be had and is the right one, and yet the server does not sign.
  assert.equal((await asShopper(page, 'POST', 'sign/code', {})).status, 202);
  const code = await codeFromInbox(page);
  const refused = await asShopper(page, 'POST', 'sign', signing(code));
  assert.equal(refused.status, 409);
  assert.match(refused.value.type, /disclosure-unconfirmed$/u);
  await page.reload();
  await heading(page, /^Approved/).waitFor();
  assert.equal(await readBox(page).isChecked(), false);
  await readBox(page).check();
  await confirmButton(page).click();
  await heading(page, /^Read the agreement/).waitFor();
  assert.notEqual((await storedDisclosure(page)).confirmed, null);
  // The code that is out already is asked for, not another.
  await codeField(page).fill(code);
  await button(page, /^Sign and borrow/).click();
  await heading(page, /^Signed/).waitFor();
});

test('information that was altered on its way, or is about another offer, stops the purchase', async () => {
  const page = await open();
  await page.route('**/v1/applications/*/disclosure', async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    await route.fulfill({ response, json: { ...json, text: json.text.replace('FINANCE CHARGE', 'CHARGE') } });
  });
  await submit(page, SHOP_URL);
  await heading(page, 'We stopped: the information does not match the offer').waitFor();
});

for (const width of [360, 1440]) {
  test(`the Chinese table is read for its time, which is seen and told, at ${width} px`, async () => {
    const page = await open({ width });
    const shot = camera(page, screenshots, `signing-${width}-cn-`);
    await toDisclosure(page, lenders.cn.shop);
    const began = Date.now();
    const stored = await storedDisclosure(page);
    assert.equal(stored.reading_seconds, READING_SECONDS);
    assert.equal(await shownDisclosure(page), stored.text);
    const region = page.getByRole('region', { name: 'The information in full' });
    assert.equal(await region.getAttribute('lang'), 'zh-CN');
    await page.getByRole('cell', { name: '利息' }).waitFor();
    const confirm = confirmButton(page);
    assert.equal(await confirm.getAttribute('aria-disabled'), 'true');
    const described = await confirm.evaluate(
      (each) => each.getRootNode().getElementById(each.getAttribute('aria-describedby'))?.textContent,
    );
    assert.match(described, /^The law gives you 10 seconds to read this first0:(?:0\d|10)$/u);
    await until(
      'the polite word',
      () => status(page).textContent(),
      (text) => /^You can confirm in \d+ seconds\.$/u.test(text),
    );
    await accessible(page);
    await shot('waiting');
    await readBox(page).check();
    // Pressed early, by force: neither the button nor the server takes it.
    await confirm.click({ force: true });
    const early = await asShopper(page, 'POST', 'disclosure/confirm', { hash: stored.hash });
    assert.equal(early.status, 409);
    assert.match(early.value.type, /reading-time$/u);
    // What was read of the time is not read again after a reload.
    await page.reload();
    await heading(page, /^Approved/).waitFor();
    await until(
      'the end of the time',
      () => confirm.getAttribute('aria-disabled'),
      (disabled) => disabled === null,
    );
    const took = (Date.now() - began) / 1000;
    assert.ok(took < READING_SECONDS + 5, `${took} s`);
    await page.getByText('The time to read has passed').waitFor();
    assert.equal(await status(page).textContent(), 'You can confirm now.');
    await shot('read');
    await readBox(page).check();
    await confirm.click();
    await heading(page, /^Read the agreement/).waitFor();
    const { confirmed, presented } = await storedDisclosure(page);
    assert.ok(Date.parse(confirmed) - Date.parse(presented) >= READING_SECONDS * 1000);
  });

  test(`the European form is shown, and a name signs where this lender lets it, at ${width} px`, async () => {
    const page = await open({ width });
    const shot = camera(page, screenshots, `signing-${width}-eu-`);
    await toDisclosure(page, lenders.eu.shop);
    const stored = await storedDisclosure(page);
    assert.equal(await shownDisclosure(page), stored.text);
    await page.getByText('14 days from signing').waitFor();
    assert.equal(await confirmButton(page).getAttribute('aria-disabled'), null, 'no reading time here');
    await accessible(page);
    await shot('form');
    await readBox(page).check();
    await confirmButton(page).click();
    // This lender does not ask for it, and has it all the same: what was confirmed, and when.
    await heading(page, /^Read the agreement/).waitFor();
    const kept = await storedDisclosure(page);
    assert.equal(kept.confirmation_required, false);
    assert.equal(kept.hash, stored.hash);
    assert.notEqual(kept.confirmed, null);
    // A code is proposed first all the same.
    await button(page, 'Send me a code').waitFor();
    await shot('both');
    await button(page, 'Sign by typing my name instead').click();
    const name = page.getByLabel('Type your full name to sign');
    await name.fill('Somebody Else');
    await button(page, /^Sign and borrow/).click();
    await heading(page, 'One thing to correct').waitFor();
    await name.fill('Ada Byron');
    await accessible(page);
    await shot('name');
    const { fields } = await draftOf(page);
    await name.fill(fields.full_name);
    await button(page, /^Sign and borrow/).click();
    await heading(page, /^Signed/).waitFor();
  });
}

for (const width of [360, 1440]) {
  test(`a code: asked for, mistyped, kept over a reload, pasted, at ${width} px`, async () => {
    const page = await open({ width });
    await opened.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const shot = camera(page, screenshots, `signing-${width}-code-`);
    const logged = [];
    page.on('console', (message) => logged.push(message.text()));
    await toAgreement(page);
    assert.equal(await codeField(page).count(), 0, 'no field before there is a code');
    await accessible(page);
    await shot('none');
    await button(page, 'Send me a code').click();
    const field = codeField(page);
    await field.waitFor();
    const shown = await page
      .locator('prequal-checkout')
      .evaluate((each) => each.shadowRoot.activeElement?.name);
    assert.equal(shown, 'signing_code', 'the focus is where the code goes');
    assert.equal(await field.getAttribute('autocomplete'), 'one-time-code');
    assert.equal(await field.getAttribute('inputmode'), 'numeric');
    await page.getByLabel(/^The code sent to .•••@example\.com$/u).waitFor();
    const again = button(page, /^Send another code/);
    assert.equal(await again.getAttribute('aria-disabled'), 'true', 'the first may be on its way');
    await accessible(page);
    await shot('sent');
    const code = await codeFromInbox(page);
    const sign = button(page, /^Sign and borrow/);
    await field.fill('12');
    await sign.click();
    await page.getByText('Type the 6 digits of the code').first().waitFor();
    await field.fill(wrongCode(code));
    await sign.click();
    await page
      .getByText(`${ATTEMPTS_MAX - 1} more tries are left`)
      .first()
      .waitFor();
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    await shot('wrong');
    await page.reload();
    await field.waitFor();
    // The whole message is pasted, with the application's number and the time in it.
    const message = await page.locator('#inbox [data-kind="signing_code"] pre').first().textContent();
    await page.evaluate((text) => navigator.clipboard.writeText(text), message);
    await field.focus();
    await page.keyboard.press('Control+v');
    await page.keyboard.press('Enter');
    await heading(page, /^Signed/).waitFor();
    await shot('signed');
    const told = JSON.stringify([opened.states, logged]);
    assert.ok(
      !told.includes(code) && !told.includes('@'),
      'nothing of the person in events or in the console',
    );
    const kept = await page.evaluate(() => JSON.stringify([sessionStorage, localStorage]));
    assert.ok(!kept.includes(code), 'nor in the browser’s stores, once it was used');
  });
}

test('a code that was mistyped too often signs no more, and another one does', async () => {
  const page = await open({ width: 360 });
  const shot = camera(page, screenshots, 'signing-360-code-');
  await toAgreement(page);
  await button(page, 'Send me a code').click();
  const field = codeField(page);
  const first = await codeFromInbox(page);
  const sign = button(page, /^Sign and borrow/);
  for (let left = ATTEMPTS_MAX - 1; left > 0; left -= 1) {
    await field.fill(wrongCode(first));
    await sign.click();
    await page
      .getByText(left === 1 ? 'One more try is left' : `${left} more tries are left`)
      .first()
      .waitFor();
  }
  await field.fill(wrongCode(first));
  await sign.click();
  await page.getByText('it was mistyped too often').first().waitFor();
  const another = button(page, /^Send another code/);
  await another.waitFor();
  await accessible(page);
  await shot('too-often');
  await moveClock(30);
  await page.reload();
  await another.click();
  const second = await codeFromInbox(page, first);
  await field.fill(second);
  await sign.click();
  await heading(page, /^Signed/).waitFor();
});

test('a code that has run out is said to have, and nothing typed before is lost', async () => {
  const page = await open();
  await toAgreement(page);
  await button(page, 'Send me a code').click();
  const code = await codeFromInbox(page);
  await codeField(page).fill(code);
  await moveClock(CODE_SECONDS);
  await button(page, /^Sign and borrow/).click();
  await page.getByText('The code has run out. Nothing was signed.').first().waitFor();
  await button(page, 'Send another code').click();
  const second = await codeFromInbox(page, code);
  await codeField(page).fill(second);
  await button(page, /^Sign and borrow/).click();
  await heading(page, /^Signed/).waitFor();
});

test('a code that is asked for without an answer is sent once', async () => {
  const page = await open();
  await toAgreement(page);
  let lost = 0;
  await page.route('**/v1/applications/*/sign/code', async (route) => {
    if (route.request().method() !== 'POST' || lost >= 3) return route.continue();
    lost += 1;
    await route.fetch();
    return route.abort('connectionreset');
  });
  await button(page, 'Send me a code').click();
  await heading(page, 'You seem to be offline').waitFor();
  await button(page, 'Try again').click();
  await codeField(page).waitFor();
  const { value } = await asShopper(page, 'GET', 'sign');
  assert.equal(value.codes_left, 9, 'one of ten');
  await codeFromInbox(page);
  assert.equal(await page.locator('#inbox [data-kind="signing_code"]').count(), 1);
});

test('with the keyboard alone, at 360 px, in the dark: read, confirmed, sent for and signed', async () => {
  const page = await open({ width: 360, dark: true });
  const shot = camera(page, screenshots, 'signing-360-dark-');
  await toDisclosure(page);
  await shot('us-box');
  const by = hands(page, true);
  await by.choose(readBox(page));
  await by.press(confirmButton(page));
  await heading(page, /^Read the agreement/).waitFor();
  const region = page.getByRole('region', { name: 'Credit agreement' });
  await region.focus();
  await page.keyboard.press('PageDown');
  await until(
    'that the agreement scrolls by keyboard',
    () => region.evaluate((each) => each.scrollTop),
    (top) => top > 0,
  );
  await by.press(button(page, 'Send me a code'));
  await codeField(page).waitFor();
  await page.keyboard.type(await codeFromInbox(page));
  await shot('code');
  await page.keyboard.press('Enter');
  await heading(page, /^Signed/).waitFor();
});
