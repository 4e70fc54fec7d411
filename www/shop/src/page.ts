import catalogue from './catalogue.json';

/** What the shop's backend tells its pages. */
export interface Config {
  readonly endpoint: string;
  readonly edge: string;
  readonly bundle_url: string;
  readonly bundle_keys: readonly object[];
  readonly demo: boolean;
}

export const { currency, products } = catalogue;
export type Product = (typeof products)[number];

export function product(sku: string): Product | undefined {
  return products.find((each) => each.sku === sku);
}

const format = new Intl.NumberFormat('en-US', { style: 'currency', currency });

/** The shop's own prices are far below what a double holds exactly. */
export function price(amount: number): string {
  return format.format(amount / 100);
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as T;
}

let config: Promise<Config> | undefined;

export function loadConfig(): Promise<Config> {
  config ??= fetch('/config.json').then((response) => response.json() as Promise<Config>);
  return config;
}

/** Tells an element where its lender is. */
export async function connect(element: HTMLElement): Promise<Config> {
  const loaded = await loadConfig();
  element.setAttribute('endpoint', loaded.endpoint);
  element.setAttribute('edge', loaded.edge);
  element.setAttribute('bundle-url', loaded.bundle_url);
  element.setAttribute('bundle-keys', JSON.stringify(loaded.bundle_keys));
  return loaded;
}
