// Runs the built worker in workerd, the runtime it is deployed to, on this machine.
//
// Everything comes by environment variables; FILE variables name files:
//   PORT (8787), HOST (127.0.0.1)
//   SERVER_URL, BUREAU_URL        the lender's server; the bureau's reports
//   BUNDLE_FILE, PUBLIC_BUNDLE_FILE   signed bundles
//   BUNDLE_KEY_FILES, CHECKOUT_KEY_FILES   public JWK files, separated by commas
//   OFFER_KEY_FILE                the private JWK that signs offers
//   EDGE_KEY                      what this edge shows to the server
//   BUREAU_KEY (EDGE_KEY)         what it shows to the bureau; the sandbox's bureau checks the edge's key
//   EDGE_ID (edge), LENDER_ID (demo-lender), BUREAU_ID (sandbox-bureau), ALLOWED_ORIGINS, SANDBOX
// Prints `listening on http://HOST:PORT` when it answers.
import { readFileSync } from 'node:fs';
import { startWorker } from './workerd.mjs';

const need = (name) => {
  const value = process.env[name];
  if (value === undefined || value === '') {
    console.error(`${name} is not set`);
    process.exit(2);
  }
  return value;
};
const file = (name) => readFileSync(need(name), 'utf8');
const keys = (name) =>
  need(name)
    .split(',')
    .map((path) => JSON.parse(readFileSync(path.trim(), 'utf8')));

const worker = await startWorker({
  host: process.env.HOST ?? '127.0.0.1',
  port: Number(process.env.PORT ?? 8787),
  bundles: { full: file('BUNDLE_FILE'), public: file('PUBLIC_BUNDLE_FILE') },
  bindings: {
    EDGE_ID: process.env.EDGE_ID ?? 'edge',
    LENDER_ID: process.env.LENDER_ID ?? 'demo-lender',
    SERVER_URL: need('SERVER_URL'),
    BUREAU_URL: need('BUREAU_URL'),
    BUREAU_ID: process.env.BUREAU_ID ?? 'sandbox-bureau',
    ALLOWED_ORIGINS: process.env.ALLOWED_ORIGINS ?? '',
    BUNDLE_KEYS: JSON.stringify(keys('BUNDLE_KEY_FILES')),
    CHECKOUT_KEYS: JSON.stringify(keys('CHECKOUT_KEY_FILES')),
    OFFER_KEY: file('OFFER_KEY_FILE'),
    EDGE_KEY: need('EDGE_KEY'),
    BUREAU_KEY: process.env.BUREAU_KEY ?? need('EDGE_KEY'),
    ...(process.env.SANDBOX === undefined ? {} : { SANDBOX: process.env.SANDBOX }),
  },
});
console.log(`listening on ${worker.url}`);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    worker.stop().finally(() => process.exit(0));
  });
}
