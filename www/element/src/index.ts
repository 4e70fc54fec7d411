/** Registers `<prequal-message>`, `<prequal-checkout>` and `<prequal-account>`. Importing it outside a browser does nothing. */
import { PrequalAccount } from './account/element.js';
import { PrequalCheckout } from './checkout/element.js';
import { PrequalMessage } from './message/element.js';

const ELEMENTS = {
  'prequal-message': PrequalMessage,
  'prequal-checkout': PrequalCheckout,
  'prequal-account': PrequalAccount,
} as const;

if (typeof customElements !== 'undefined') {
  for (const [name, element] of Object.entries(ELEMENTS)) {
    if (customElements.get(name) === undefined) customElements.define(name, element);
  }
}

export { PrequalAccount, PrequalCheckout, PrequalMessage };

declare global {
  interface HTMLElementTagNameMap {
    'prequal-message': PrequalMessage;
    'prequal-checkout': PrequalCheckout;
    'prequal-account': PrequalAccount;
  }
}
