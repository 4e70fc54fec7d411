import { type Message, readInbox } from './backend.js';
import { byId } from './page.js';

/** How often the inbox is looked into while the page is seen. */
const LOOK_MS = 1_500;

let application: string | undefined;
let timer: ReturnType<typeof setInterval> | undefined;

/** Shows the messages about an application: what the demo's person would find in their inbox. */
export function watchInbox(id: string): void {
  if (application === id) return;
  application = id;
  clearInterval(timer);
  timer = setInterval(() => void look(), LOOK_MS);
  void look();
}

async function look(): Promise<void> {
  const asked = application;
  if (asked === undefined || document.hidden) return;
  try {
    const { messages } = await readInbox(asked);
    if (asked === application) draw(messages);
  } catch {
    // The next look may find it.
  }
}

/** Adds what is new on top; what a developer has open stays open. */
function draw(messages: readonly Message[]): void {
  const list = byId('inbox');
  const known = new Set([...list.children].map((each) => (each as HTMLElement).dataset.message));
  for (const message of messages.toReversed()) {
    if (known.has(message.id)) continue;
    const latest = list.children.length === 0 || message.kind === 'signing_code';
    list.prepend(item(message, latest));
    byId('inbox-status').textContent = `New message: ${message.subject}`;
  }
  byId('inbox-panel').hidden = list.children.length === 0;
}

function item(message: Message, open: boolean): HTMLElement {
  const summary = document.createElement('summary');
  summary.textContent = message.subject;
  const to = document.createElement('p');
  to.textContent = `To ${message.to ?? 'nobody'}`;
  const text = document.createElement('pre');
  text.textContent = message.text;
  text.tabIndex = 0;
  text.setAttribute('aria-label', message.subject);
  const details = document.createElement('details');
  details.open = open;
  details.append(summary, to, text);
  const element = document.createElement('li');
  element.dataset.message = message.id;
  element.dataset.kind = message.kind;
  element.append(details);
  return element;
}
