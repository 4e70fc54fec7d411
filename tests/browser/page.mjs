/** A page in headless Chromium, driven by the pointer or by the keyboard alone, with a screenshot of each state. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** The longest way by Tab to anything on a page of the shop. */
const TABS_MAX = 150;
const WAIT_MS_MAX = 30_000;

export function browserProgram() {
  const program = process.env.CHROME ?? PLACES.find((place) => existsSync(place));
  if (program === undefined) throw new Error('no Chromium found: set CHROME to its path');
  return program;
}

/** Opens a page. `close` ends the browser; `complaints` holds what the page wrote to its console as an error. */
export async function openPage(options = {}) {
  const { width = 1440, height, dark = false, reducedMotion = false, flags = [] } = options;
  const browser = await chromium.launch({ executablePath: browserProgram(), args: [...ARGUMENTS, ...flags] });
  const context = await browser.newContext({
    viewport: { width, height: height ?? (width < 600 ? 740 : 900) },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
    locale: 'en-US',
  });
  context.setDefaultTimeout(WAIT_MS_MAX);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, context, complaints, close: () => browser.close() };
}

/** Numbered screenshots, of the whole page or of what the window shows; each also proves that nothing sticks out sideways. */
export function camera(page, folder, prefix = '') {
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  let taken = 0;
  return async (name, { whole = true } = {}) => {
    const [inside, outside] = await page.evaluate(() => [
      document.documentElement.clientWidth,
      document.documentElement.scrollWidth,
    ]);
    if (outside > inside)
      throw new Error(`${name}: the page is ${outside} px wide in a window of ${inside} px`);
    if (folder === undefined) return;
    taken += 1;
    const file = `${prefix}${String(taken).padStart(2, '0')}-${name}.png`;
    await page.screenshot({ path: join(folder, file), fullPage: whole });
  };
}

/** How a person works the page: `press` a button or link, `choose` a radio or checkbox, `fill` a text, `pick` an option. */
export function hands(page, keyboard) {
  return keyboard ? byKeyboard(page) : byPointer();
}

function byPointer() {
  return {
    press: (target) => target.click(),
    choose: (target) => target.check(),
    fill: (target, text) => target.fill(text),
    pick: (target, value) => target.selectOption(value),
  };
}

function byKeyboard(page) {
  const go = (target) => tabTo(page, target);
  return {
    async press(target) {
      await go(target);
      await page.keyboard.press('Enter');
    },
    async choose(target) {
      await target.waitFor();
      if (await target.isChecked()) return;
      if ((await target.getAttribute('type')) === 'checkbox') {
        await go(target);
        await page.keyboard.press('Space');
      } else await arrowTo(page, target);
      if (!(await target.isChecked())) throw new Error('the keyboard could not choose this');
    },
    async fill(target, text) {
      await go(target);
      await page.keyboard.press('Control+a');
      await page.keyboard.type(text);
    },
    async pick(target, value) {
      await go(target);
      const label = await target.locator(`option[value="${value}"]`).textContent();
      await page.keyboard.type(label ?? '');
      if ((await target.inputValue()) !== value) throw new Error(`the keyboard could not pick ${value}`);
    },
  };
}

/** Presses Tab until the target has the focus, as a person without a pointer would; and sees that the focus shows. */
async function tabTo(page, target) {
  await target.waitFor();
  for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
    if (await hasFocus(target)) {
      if (!(await showsFocus(target))) throw new Error('the focus cannot be seen');
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${target}`);
}

/** Radio buttons are one stop for Tab; arrows move inside. */
async function arrowTo(page, target) {
  const group = target.locator('xpath=ancestor::fieldset[1]').locator('input[type="radio"]');
  for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
    const inside = await group.evaluateAll((inputs) =>
      inputs.some((input) => input.getRootNode().activeElement === input),
    );
    if (inside) break;
    await page.keyboard.press('Tab');
  }
  const count = await group.count();
  for (let steps = 0; steps <= count; steps += 1) {
    if (await hasFocus(target)) {
      await page.keyboard.press('Space');
      return;
    }
    await page.keyboard.press('ArrowDown');
  }
}

function hasFocus(target) {
  return target.evaluate((element) => element.getRootNode().activeElement === element && document.hasFocus());
}

/** An outline on the element itself, or on the label that frames it. */
function showsFocus(target) {
  return target.evaluate((element) => {
    const framed = [element, element.closest('label'), element.closest('.choice')].filter(
      (each) => each !== null,
    );
    return framed.some((each) => {
      const style = getComputedStyle(each);
      return style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2;
    });
  });
}
