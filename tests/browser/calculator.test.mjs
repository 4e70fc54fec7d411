/**
 * The cost calculator of the shop: what it shows is what the core computes, it follows every movement of a slider, it
 * says which ceiling is broken and what would pass, and it can be worked and understood without eyes or pointer.
 */
import assert from 'node:assert/strict';
import { afterEach, before, test } from 'node:test';
import { until } from './books.mjs';
import { camera, openPage } from './page.mjs';

const { SHOP_URL: shop, SCREENSHOTS: screenshots } = process.env;

let opened;
async function open(terms = {}, options = {}) {
  opened = await openPage(options);
  const { page } = opened;
  const hash = new URLSearchParams(terms);
  await page.goto(`${shop}/calculator${hash.size > 0 ? `#${hash}` : ''}`);
  await page.locator('#chart svg').waitFor();
  return page;
}
afterEach(async () => {
  const complaints = opened?.complaints ?? [];
  await opened?.close();
  opened = undefined;
  assert.deepEqual(complaints, [], 'the page complained');
});

before(() => {
  assert.ok(shop, 'the demo must run: SHOP_URL says where');
});

const cost = async (page) =>
  Object.fromEntries(
    await page
      .locator('#cost > div')
      .evaluateAll((lines) =>
        lines.map((line) => [line.querySelector('dt').textContent, line.querySelector('dd').textContent]),
      ),
  );
const cells = (page, part) =>
  page
    .locator(`#table ${part} tr`)
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
const verdict = (page) => page.locator('#verdict').textContent();
const says = (page, text) => page.locator('#verdict').getByText(text).waitFor();

/** A published loan of 100.00 at 7 % over six months: 17.01 five times and 17.00, 2.05 of interest in all. */
const PUBLISHED = {
  law: 'us-mla',
  amount: '100',
  method: 'equal_installment',
  rate: '7',
  fee: '0',
  count: '6',
  every: 'P1M',
  start: '2024-01-01',
};

test('a published schedule is shown to the cent, as a table and as a chart of the same payments', async () => {
  const page = await open(PUBLISHED);
  const rows = await cells(page, 'tbody');
  assert.equal(rows.length, 6);
  assert.deepEqual(rows[0], ['1', 'Feb 1, 2024', '$17.01', '$16.43', '$0.58', '$0.00', '$83.57']);
  assert.equal(rows[5][6], '$0.00');
  assert.deepEqual(await cells(page, 'tfoot'), [['In all', '$102.05', '$100.00', '$2.05', '$0.00', '']]);
  const shown = await cost(page);
  assert.equal(shown.Total, '$102.05');
  assert.equal(shown['Cost of the credit'], '$2.05');
  // The bars are as tall as what they stand for.
  const bars = await page
    .locator('#chart rect.principal')
    .evaluateAll((all) => all.map((each) => Number(each.getAttribute('height'))));
  assert.equal(bars.length, 6);
  const principal = rows.map((row) => Number(row[3].slice(1)));
  for (const [index, tall] of bars.entries())
    assert.ok(Math.abs(tall / bars[0] - principal[index] / principal[0]) < 0.001);
});

/** Twelve times 1.1 % a month of the original principal: 23.5 % a year; due after ten days it is 26.4 %. */
test('the same plan keeps the ceiling when it is due after a month and breaks it when due after ten days', async () => {
  const flat = {
    ...PUBLISHED,
    law: 'cn-24',
    amount: '1200',
    method: 'fee_installment',
    rate: '1.1',
    count: '12',
  };
  const page = await open({ ...flat, start: '2026-01-15' });
  await says(page, 'Within the ceiling');
  assert.match(await verdict(page), /cn-24 kept: annual rate 23\.5\d %, ceiling 24 %/u);
  await page.getByLabel('First due on').fill('2026-01-25');
  await says(page, 'Above the ceiling');
  assert.match(await verdict(page), /cn-24 broken: annual rate 26\.39 %, ceiling 24 %/u);
  // The price that it names passes, and a ten-thousandth more does not.
  const use = page.getByRole('button', { name: /^Use / });
  const highest = (await use.textContent()).replace(/[^\d.]/gu, '');
  await use.click();
  await says(page, 'Within the ceiling');
  const rate = page.getByLabel('Fee with each payment, % of the amount');
  assert.equal(await rate.inputValue(), highest);
  await rate.fill((Number(highest) + 0.0001).toFixed(4));
  await says(page, 'Above the ceiling');
});

test('each jurisdiction has its own currency, rate and ceiling, and none has no ceiling', async () => {
  const page = await open({ ...PUBLISHED, rate: '300', count: '3', start: '2026-01-15', amount: '1000' });
  const expected = {
    'us-mla': ['$', 'APR (Regulation Z, actuarial)', 'mapr-36'],
    'cn-24': ['¥', 'Annualised cost (IRR × 12)', 'cn-24'],
    'cn-36': ['¥', 'Annualised cost (IRR × 12)', 'cn-36'],
    'cn-lpr': ['¥', 'Annualised cost (IRR × 12)', 'lpr-4x'],
    'uk-short-term': ['£', 'APR (FCA CONC App 1.2)', 'initial-cost'],
    'eu-fr': ['€', 'APRC (Directive 2008/48/EC, Annex I)', 'usure-2025-q4'],
  };
  for (const [law, [sign, rate, cap]] of Object.entries(expected)) {
    await page.getByLabel('Jurisdiction and ceiling').selectOption(law);
    await page.locator(`#verdict strong:text-is("${cap}")`).waitFor();
    const shown = await cost(page);
    assert.ok(shown.Amount.startsWith(sign), law);
    assert.match(shown[rate] ?? '', /^\d+\.\d+ %/u, law);
    // 300 % a year is 0.82 % a day: above every one of them.
    assert.match(await verdict(page), /Above the ceiling/u, law);
  }
  // Four times 3.0 %, the prime rate that held when the contract was made; 3.85 % in 2021.
  await page.getByLabel('Jurisdiction and ceiling').selectOption('cn-lpr');
  await until(
    '12 %',
    () => verdict(page),
    (text) => text.includes('ceiling 12 %'),
  );
  await page.getByLabel('Paid out on').fill('2021-03-01');
  await until(
    '15.4 %',
    () => verdict(page),
    (text) => text.includes('ceiling 15.4 %'),
  );
  await page.getByLabel('Jurisdiction and ceiling').selectOption('none');
  await page.getByText('No ceiling binds this contract').waitFor();
});

test('the figures follow a slider while it is dragged', async () => {
  const page = await open(PUBLISHED);
  const slider = page.getByRole('slider', { name: 'Number of payments' });
  const box = await slider.boundingBox();
  const at = (share) => [box.x + box.width * share, box.y + box.height / 2];
  await page.mouse.move(...at(0.1));
  await page.mouse.down();
  const seen = new Set();
  for (const share of [0.25, 0.5, 0.75, 0.95]) {
    await page.mouse.move(...at(share), { steps: 4 });
    const count = await slider.inputValue();
    await until(
      `${count} rows`,
      () => page.locator('#table tbody tr').count(),
      (rows) => rows === Number(count),
    );
    assert.equal(await page.getByRole('textbox', { name: 'Number of payments' }).inputValue(), count);
    seen.add(count);
  }
  await page.mouse.up();
  assert.equal(seen.size, 4, 'four places, four results, before the pointer was let go');
});

// Alma's widgets: moving text in an assertive live region.
test('the keyboard alone moves everything, and the result is told once it rests', async () => {
  const page = await open(PUBLISHED);
  const names = await page
    .locator('#terms :is(input, select)')
    .evaluateAll((controls) =>
      controls.map((control) => control.labels[0]?.textContent ?? control.getAttribute('aria-label')),
    );
  assert.ok(names.every(Boolean), 'every control has a name');
  const slider = page.getByRole('slider', { name: 'Interest a year' });
  await slider.focus();
  assert.equal(await slider.getAttribute('aria-valuetext'), '7 %');
  for (let presses = 0; presses < 10; presses += 1) await page.keyboard.press('ArrowRight');
  await until(
    'the new rate',
    () => page.getByRole('textbox', { name: /^Interest a year/ }).inputValue(),
    (value) => value === '8',
  );
  const status = page.getByRole('status');
  await until(
    'the announcement',
    () => status.textContent(),
    (text) => /6 × \$17\.\d\d · total \$102\.\d\d · 8\.\d\d.% · within the ceiling/u.test(text),
  );
  const chart = page.getByRole('img', { name: /^Chart: 6 payments, the first \$17\.\d\d on Feb 1, 2024/ });
  assert.equal(await chart.count(), 1);
  const region = page.getByRole('region', { name: 'The schedule as a table' });
  await region.focus();
  assert.ok(await region.evaluate((element) => element === document.activeElement));
});

test('what cannot be read is told at its field and leaves the last figures standing', async () => {
  const page = await open(PUBLISHED);
  const amount = page.getByRole('textbox', { name: 'Amount', exact: true });
  await amount.fill('1,2.3');
  await page.getByText('Give an amount such as 1299').first().waitFor();
  assert.equal(await amount.getAttribute('aria-invalid'), 'true');
  assert.equal(await amount.getAttribute('aria-describedby'), 'amount-error');
  assert.equal((await cost(page)).Total, '$102.05');
  await amount.fill('200');
  await until(
    'the new total',
    async () => (await cost(page)).Total,
    (total) => total === '$204.10' || total === '$204.09' || total === '$204.11',
  );
  assert.equal(await amount.getAttribute('aria-invalid'), 'false');
  // What the core refuses is told in its own words.
  await page.getByLabel('First due on').fill('2023-12-01');
  await page.getByText('Give a date that is not before the payout').first().waitFor();
});

test('the terms stand in the address, and the page is reached from the shop', async () => {
  const page = await open({ ...PUBLISHED, count: '24' });
  assert.equal(await page.locator('#table tbody tr').count(), 24);
  await page.getByRole('textbox', { name: 'Number of payments' }).fill('9');
  await until(
    'the address',
    () => page.url(),
    (url) => url.includes('count=9'),
  );
  await page.reload();
  await until(
    'nine rows',
    () => page.locator('#table tbody tr').count(),
    (rows) => rows === 9,
  );
  await page.goto(shop);
  await page.getByRole('link', { name: 'Calculator' }).click();
  await page.getByRole('heading', { name: 'What would it cost?' }).waitFor();
});

for (const [width, dark] of [
  [360, false],
  [360, true],
  [1440, false],
  [1440, true],
]) {
  test(`nothing sticks out at ${width} px, ${dark ? 'dark' : 'light'}, with short and with long schedules`, async () => {
    const page = await open({ ...PUBLISHED, amount: '9999', count: '60', fee: '5' }, { width, dark });
    const shot = camera(page, screenshots, `calculator-${width}${dark ? '-dark' : ''}-`);
    await shot('sixty');
    await page.getByRole('textbox', { name: 'Number of payments' }).fill('1');
    await until(
      'one row',
      () => page.locator('#table tbody tr').count(),
      (rows) => rows === 1,
    );
    await shot('one');
    const small = await page
      .locator('#terms :is(input, select), #verdict button')
      .evaluateAll((controls) => controls.filter((each) => each.getBoundingClientRect().height < 44).length);
    assert.equal(small, 0, 'every control is at least 44 px high');
  });
}
