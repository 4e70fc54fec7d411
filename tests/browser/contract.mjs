/** The way from an approval to a signature, as a page shows it and as the lender keeps it. */
import { createHash } from 'node:crypto';
import { until } from './books.mjs';

/** What the element keeps for a reload, the application and its capability among it. */
export function draftOf(page) {
  return page.evaluate(() => {
    const key = Object.keys(sessionStorage).find((name) => name.startsWith('prequal:draft:'));
    const stored = JSON.parse(sessionStorage.getItem(key));
    return stored.draft ?? stored;
  });
}

/** Asks the lender's server as the shopper whose page it is; gives the status and the answer. */
export async function asShopper(page, method, what, body) {
  const { application } = await draftOf(page);
  const server = await page.evaluate(async () => (await (await fetch('/config.json')).json()).endpoint);
  const answer = await fetch(`${server}/v1/applications/${application.application_id}/${what}`, {
    method,
    headers: {
      authorization: `Bearer ${application.capability}`,
      'content-type': 'application/json',
      'idempotency-key': crypto.randomUUID(),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: answer.status, value: await answer.json() };
}

/** The information before the contract as the server keeps it, with its hash proved. */
export async function storedDisclosure(page) {
  const { status, value } = await asShopper(page, 'GET', 'disclosure');
  if (status !== 200) throw new Error(`the information before the contract: ${JSON.stringify(value)}`);
  const whole = sorted({ document: value.document, text: value.text });
  const hash = createHash('sha256').update(whole).digest('hex');
  if (hash !== value.hash) throw new Error(`the hash ${value.hash} is not that of what is kept, ${hash}`);
  return value;
}

/** Canonical JSON of what holds no fractions (RFC 8785), written apart from the element's own. */
function sorted(value) {
  return JSON.stringify(value, (_, each) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each,
  );
}

/** What the page shows, to the byte. */
export function shownDisclosure(page) {
  return page
    .getByRole('region', { name: 'The information in full' })
    .evaluate((region) => region.textContent);
}

export const codeField = (page) => page.getByLabel(/^The code (?:that was )?sent/);

/** The newest code in the inbox that the demo shows, once it is another one than before. */
export async function codeFromInbox(page, before) {
  const newest = page.locator('#inbox [data-kind="signing_code"] pre').first();
  const read = async () => ((await newest.count()) === 0 ? '' : ((await newest.textContent()) ?? ''));
  const text = await until(
    'the code',
    read,
    (each) => /^\d{6} is your code/u.test(each) && !each.startsWith(before),
  );
  return text.slice(0, 6);
}

export function wrongCode(code) {
  return code === '000000' ? '000001' : '000000';
}
