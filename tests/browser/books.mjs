/** What the lender's server says about an order and its own ledger, asked with the lender's and the merchant's keys. */

/** Accounts of the lender's chart by code. */
const ACCOUNTS = {
  receivable: '1110',
  interestReceivable: '1120',
  merchantPayable: '2010',
  merchantClaims: '1220',
  interestIncome: '4010',
  merchantFees: '4030',
};

export function books({ server, lenderKey, merchantKey }) {
  const ask = async (path, key) => {
    const answer = await fetch(server + path, { headers: { authorization: `Bearer ${key}` } });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  return {
    order: (checkout) => ask(`/v1/orders/${checkout}`, merchantKey),
    loan: (id) => ask(`/v1/loans/${id}`, lenderKey),
    /** What was sent about an application, by kind. */
    async notices(application) {
      const kinds = {};
      let cursor = '';
      do {
        const page = await ask(`/v1/notices?limit=100${cursor}`, lenderKey);
        for (const notice of page.notices)
          if (notice.application_id === application) kinds[notice.kind] = notice.status;
        cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
      } while (cursor !== '');
      return kinds;
    },
    /** Balances by name, and whether debits equal credits. */
    async ledger() {
      const { accounts, balanced, totals } = await ask('/v1/ledger/trial-balance', lenderKey);
      const of = (code) => accounts.find((account) => account.account === code)?.balance ?? 0;
      const named = Object.fromEntries(Object.entries(ACCOUNTS).map(([name, code]) => [name, of(code)]));
      return { ...named, balanced, totals };
    },
  };
}

/** Asks until the answer fits, and gives it. */
export async function until(what, ask, fits, { every = 300, atMost = 30_000 } = {}) {
  const end = Date.now() + atMost;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > end) throw new Error(`${what} did not come: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

/** A claim about money. */
export function expect(what, actual, wanted) {
  if (actual !== wanted) throw new Error(`${what} is ${actual}, not ${wanted}`);
}
