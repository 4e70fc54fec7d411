#!/usr/bin/env node
/**
 * A whole purchase through the real pages: from the cart to a repaid loan (`--life on-schedule`, or `returned`), with a screenshot of every state, and with
 * the lender's books compared before, between and after.
 *
 *   node tests/browser/purchase.mjs --shop URL --out DIR [--width 360] [--keyboard] [--dark] [--person approved] [--life on-schedule]
 *
 * The shop's address may also come as SHOP_URL, the folder as SCREENSHOTS. SERVER_URL, LENDER_KEY and MERCHANT_KEY
 * open the books. Ends with 0 only when every step and every figure came out.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { books } from './books.mjs';
import { camera, hands, openPage } from './page.mjs';
import { stepsFor } from './steps.mjs';

const PERSONS = new URL('../../www/shop/src/persons.json', import.meta.url);

/** Drives the purchase. `access` is `{server, lenderKey, merchantKey}`; without it the books stay closed. */
export async function purchase(wanted) {
  const {
    shop,
    out,
    width = 1440,
    keyboard = false,
    dark = false,
    person = 'approved',
    life,
    access,
  } = wanted;
  const report = wanted.report ?? console.log;
  const { page, complaints, close } = await openPage({ width, dark });
  const trip = {
    page,
    shop: shop.replace(/\/+$/u, ''),
    keyboard,
    shot: camera(page, out, `${life === 'returned' ? 'return-' : ''}${width === 1440 ? '' : `${width}-`}`),
    hands: hands(page, keyboard),
    books: access === undefined ? undefined : books(access),
    person: findPerson(person),
    states: [],
    complaints,
  };
  await page.exposeFunction('__told', (detail) => trip.states.push(detail));
  await page.addInitScript(() =>
    addEventListener('prequal:state', (event) => globalThis.__told(event.detail)),
  );
  try {
    for (const [name, step] of stepsFor(person, life)) {
      const started = performance.now();
      await step(trip);
      report(`  ${name.padEnd(44)} ${((performance.now() - started) / 1000).toFixed(2).padStart(6)} s`);
    }
    if (complaints.length > 0) throw new Error(`the page complained: ${complaints.join('; ')}`);
    return trip;
  } catch (error) {
    await trip.shot('failed').catch(() => undefined);
    const text = await page
      .locator('main')
      .ariaSnapshot()
      .catch(() => '');
    const more = [`on ${page.url().split('#')[0]}:`, text.slice(0, 2000), ...complaints].join('\n');
    throw new Error(`${error.message}\n${more}`, { cause: error });
  } finally {
    await close();
  }
}

function findPerson(id) {
  const found = JSON.parse(readFileSync(PERSONS, 'utf8')).find((person) => person.id === id);
  if (found === undefined) throw new Error(`there is no test person \`${id}\``);
  return found;
}

function fromCommandLine() {
  const { values } = parseArgs({
    options: {
      shop: { type: 'string', default: process.env.SHOP_URL },
      out: { type: 'string', default: process.env.SCREENSHOTS },
      width: { type: 'string', default: '1440' },
      person: { type: 'string', default: 'approved' },
      life: { type: 'string', default: 'on-schedule' },
      keyboard: { type: 'boolean', default: false },
      dark: { type: 'boolean', default: false },
    },
  });
  if (values.shop === undefined) throw new Error('give the shop: --shop URL');
  const { SERVER_URL: server, LENDER_KEY: lenderKey, MERCHANT_KEY: merchantKey } = process.env;
  const access = server && lenderKey && merchantKey ? { server, lenderKey, merchantKey } : undefined;
  return { ...values, width: Number(values.width), access };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const wanted = fromCommandLine();
    await purchase(wanted);
    if (wanted.access === undefined) console.log('  the books were not opened: no keys were given');
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
