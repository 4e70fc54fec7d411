/**
 * The look of all three elements. One merchant colour, `--prequal-accent`, is enough; light and dark follow the
 * `color-scheme` of the page around the element, so a page that is only light keeps a light element.
 */
const TEXT = `
:host {
  --_accent: light-dark(var(--prequal-accent, #175c4c), var(--prequal-accent-dark, color-mix(in oklab, var(--prequal-accent, #175c4c) 42%, white)));
  --_on-accent: light-dark(#fff, #10150f);
  --_text: var(--prequal-text, light-dark(#1a1d1c, #eceeec));
  --_muted: var(--prequal-muted, light-dark(#565d5a, #aab1ad));
  --_ground: var(--prequal-background, light-dark(#fff, #161918));
  --_sunken: light-dark(color-mix(in oklab, var(--_text) 4%, var(--_ground)), color-mix(in oklab, var(--_text) 7%, var(--_ground)));
  --_line: light-dark(#d5dad7, #3a403d);
  --_control-line: light-dark(#767e7a, #8b938f);
  --_danger: light-dark(#a4232b, #ff9d97);
  --_radius: var(--prequal-radius, 8px);
  display: block;
  box-sizing: border-box;
  color: var(--_text);
  font: 400 1rem/1.5 var(--prequal-font, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", system-ui, sans-serif);
  font-variant-numeric: tabular-nums lining-nums;
  text-align: start;
  overflow-wrap: break-word;
}
[hidden] { display: none !important; }
:host([hidden]) { display: none; }
*, *::before, *::after { box-sizing: border-box; }
h2, h3, p, ul, ol, dl, dd, fieldset, legend, table, figure { margin: 0; padding: 0; border: 0; }
h2 { font-size: 1.375rem; line-height: 1.3; font-weight: 650; letter-spacing: -0.01em; text-wrap: balance; }
h3 { font-size: 1rem; line-height: 1.5; font-weight: 650; }
h2:focus, .summary:focus { outline: none; }
h2:focus-visible { outline: none; }
a { color: var(--_accent); text-underline-offset: 0.18em; }
.stack { display: grid; gap: 24px; grid-template-columns: minmax(0, 1fr); }
.stack.tight { gap: 8px; }
.stack.mid { gap: 16px; }
.muted { color: var(--_muted); }
.small { font-size: 0.875rem; }
.number { white-space: nowrap; }
.block { display: block; }
.code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.8125rem; overflow-wrap: anywhere; }
.visually-hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.icon { width: 24px; height: 24px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
.step { color: var(--_muted); font-size: 0.875rem; }
.heading { display: grid; gap: 4px; }
.heading .icon { width: 32px; height: 32px; color: var(--_accent); margin-bottom: 4px; }
.note { border-inline-start: 3px solid var(--_accent); padding-inline-start: 12px; }
.demo { font-size: 0.8125rem; color: var(--_muted); border-top: 1px solid var(--_line); padding-top: 12px; }

/* cost: a list of equal lines, none louder than the next */
.cost { display: grid; }
.cost > div { display: flex; justify-content: space-between; align-items: baseline; gap: 16px; padding: 8px 0; border-top: 1px solid var(--_line); font-size: 1.125rem; line-height: 1.5; }
.cost > div:first-child { border-top: 0; }
.cost dt { color: var(--_muted); flex: none; max-width: 50%; }
.cost dd { text-align: end; font-weight: 600; min-width: 0; }
.cost .aside { display: block; font-size: 0.875rem; font-weight: 400; color: var(--_muted); }

/* controls */
button { font: inherit; color: inherit; }
.button { display: inline-flex; align-items: center; justify-content: center; gap: 8px; min-height: 48px; padding: 8px 20px; border-radius: var(--_radius); border: 1px solid transparent; font-weight: 600; cursor: pointer; text-decoration: none; line-height: 1.25; text-align: center; }
.button.primary { background: var(--_accent); color: var(--_on-accent); }
.button.primary:hover { background: color-mix(in oklab, var(--_accent) 88%, var(--_text)); }
.button.secondary { background: transparent; border-color: var(--_control-line); color: var(--_text); }
.button.secondary:hover { background: var(--_sunken); }
.button[aria-disabled="true"] { cursor: progress; opacity: 0.75; }
.link[aria-disabled="true"] { color: var(--_muted); text-decoration: none; cursor: not-allowed; }
.link { display: inline-flex; align-items: center; min-height: 44px; padding: 0; background: none; border: 0; color: var(--_accent); text-decoration: underline; text-underline-offset: 0.18em; cursor: pointer; text-align: start; }
.actions { display: flex; flex-wrap: wrap-reverse; justify-content: flex-end; gap: 12px; }
.actions > .primary { flex: 2 1 220px; }
.actions > .secondary { flex: 1 1 140px; }
:is(button, a, input, select, summary, [tabindex="0"]):focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }
.field { display: grid; gap: 4px; }
.field > label:not(.choice), .field > legend, .group > legend { font-weight: 600; }
.group > legend { padding-bottom: 8px; }
.field > legend { padding-bottom: 4px; }
.help { color: var(--_muted); font-size: 0.875rem; }
.error { color: var(--_danger); font-weight: 600; font-size: 0.9375rem; display: flex; gap: 6px; align-items: flex-start; }
.error .icon { width: 20px; height: 20px; margin-top: 1px; }
.error:empty { display: none; }
.input, select { font: inherit; font-size: max(1rem, 16px); color: var(--_text); background: var(--_ground); border: 1px solid var(--_control-line); border-radius: var(--_radius); min-height: 48px; padding: 8px 12px; width: 100%; }
.input[aria-invalid="true"], select[aria-invalid="true"] { border-color: var(--_danger); box-shadow: inset 0 0 0 1px var(--_danger); }
.affix { position: relative; }
.affix > span { position: absolute; inset-block: 0; inset-inline-start: 0; display: grid; place-items: center; min-width: 40px; color: var(--_muted); pointer-events: none; }
.affix > .input { padding-inline-start: 40px; }
.dates { display: flex; gap: 12px; }
.dates > label { display: grid; gap: 4px; font-size: 0.875rem; }
.dates .two { width: 72px; }
.dates .four { width: 96px; }
.group { display: grid; gap: 8px; min-inline-size: 0; }
.choice { display: grid; grid-template-columns: 24px minmax(0, 1fr); gap: 12px; align-items: start; min-height: 48px; padding: 11px 12px; border: 1px solid var(--_control-line); border-radius: var(--_radius); cursor: pointer; }
.choice:hover { background: var(--_sunken); }
.choice:has(input:checked) { border-color: var(--_accent); box-shadow: inset 0 0 0 1px var(--_accent); }
.choice:has(input:focus-visible) { outline: 3px solid var(--_accent); outline-offset: 2px; }
.choice input { appearance: none; width: 22px; height: 22px; margin: 1px; border: 1.5px solid var(--_control-line); background: var(--_ground); display: grid; place-items: center; outline: none; cursor: pointer; }
.choice input[type="radio"] { border-radius: 50%; }
.choice input[type="checkbox"] { border-radius: 4px; }
.choice input:checked { border-color: var(--_accent); background: var(--_accent); }
.choice input[type="radio"]:checked::after { content: ""; width: 8px; height: 8px; border-radius: 50%; background: var(--_on-accent); }
.choice input[type="checkbox"]:checked::after { content: ""; width: 11px; height: 6px; border: solid var(--_on-accent); border-width: 0 0 2.5px 2.5px; transform: translateY(-2px) rotate(-45deg); }
.choice[data-invalid] { border-color: var(--_danger); }
.pills { display: grid; grid-template-columns: repeat(auto-fit, minmax(64px, 1fr)); gap: 8px; }
.pills .choice { grid-template-columns: auto auto; justify-content: center; padding-inline: 8px; gap: 8px; }

/* error summary and problems */
.summary { border: 2px solid var(--_danger); border-radius: var(--_radius); padding: 16px; display: grid; gap: 8px; }
.summary ul { list-style: none; display: grid; gap: 4px; }
.summary .link { color: var(--_danger); font-weight: 600; }

/* offers */
.offer { display: block; padding: 0; cursor: default; }
.offer > label { display: grid; grid-template-columns: 24px minmax(0, 1fr); gap: 12px; align-items: center; padding: 12px 16px; min-height: 56px; cursor: pointer; font-size: 1.125rem; font-weight: 650; }
.offer .cost { padding: 0 16px 8px; }
.offer .cost > div { padding: 6px 0; border-top-color: color-mix(in oklab, var(--_line) 70%, transparent); }
.offer .cost > div:first-child { border-top: 1px solid var(--_line); }
.offer .schedule { padding: 8px 16px 16px; }

/* schedule */
.schedule { display: grid; gap: 8px; }
.drawing { display: grid; width: fit-content; max-width: 100%; }
.bars { display: block; max-width: 100%; height: 64px; overflow: visible; }
.bars .principal { fill: var(--_accent); }
.bars .interest { fill: var(--_control-line); }
.bars .paid { fill: var(--_control-line); }
.bars .due { fill: var(--_accent); }
.bars .upcoming { fill: var(--_ground); stroke: var(--_accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.bars .overdue { fill: var(--_danger); }
.bars .base { stroke: var(--_control-line); stroke-width: 1; vector-effect: non-scaling-stroke; }
.axis { display: flex; justify-content: space-between; gap: 16px; font-size: 0.8125rem; color: var(--_muted); }
.swatch { display: inline-block; width: 10px; height: 10px; margin-inline-end: 6px; background: var(--_accent); border: 1px solid var(--_accent); }
.swatch.interest { background: var(--_control-line); border-color: transparent; }
.swatch.paid { background: var(--_control-line); border-color: transparent; }
.swatch.upcoming, .swatch.partly_paid { background: var(--_ground); }
.swatch.overdue { background: var(--_danger); border-color: var(--_danger); }
.row-paid { color: var(--_muted); }
.row-overdue td.text { color: var(--_danger); font-weight: 650; }
.row-due td.text { font-weight: 650; }
.keys { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 0.8125rem; color: var(--_muted); }
details > summary { display: inline-flex; align-items: center; gap: 8px; min-height: 44px; cursor: pointer; color: var(--_accent); text-decoration: underline; text-underline-offset: 0.18em; list-style: none; }
details > summary::-webkit-details-marker { display: none; }
details > summary::before { content: ""; width: 7px; height: 7px; border: solid currentColor; border-width: 0 2px 2px 0; transform: rotate(-45deg); margin-inline: 2px 4px; }
details[open] > summary::before { transform: rotate(45deg) translate(-2px, -1px); }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
caption { text-align: start; padding: 4px 0; color: var(--_muted); }
th, td { padding: 8px 8px; text-align: end; border-top: 1px solid var(--_line); white-space: nowrap; font-weight: 400; }
thead th { color: var(--_muted); border-top: 0; vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child { text-align: start; padding-inline-start: 0; }
th:last-child, td:last-child { padding-inline-end: 0; }
tfoot td, tfoot th { border-top: 2px solid var(--_control-line); font-weight: 650; }
td.text, th.text { text-align: start; }
td .block { white-space: normal; }

/* agreement */
.document { max-height: min(56vh, 480px); overflow: auto; border: 1px solid var(--_line); border-radius: var(--_radius); padding: 16px; background: var(--_sunken); white-space: pre-wrap; font-size: 0.9375rem; line-height: 1.55; }
.box { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); border: 1px solid var(--_control-line); border-radius: var(--_radius); overflow: hidden; gap: 1px; background: var(--_control-line); }
.box > div { display: grid; gap: 4px; align-content: start; padding: 12px; background: var(--_ground); }
.box dt { font-size: 0.875rem; font-weight: 600; }
.box dd { font-size: 1.125rem; font-weight: 600; }
.box .aside { display: block; font-size: 0.8125rem; font-weight: 400; color: var(--_muted); }
/* 12 CFR 1026.17(a)(2): the finance charge and the annual percentage rate stand out from everything else. */
.box > .loud { border-top: 4px solid var(--_text); }
.box > .loud dt { font-weight: 750; }
.box > .loud dd { font-size: 1.5rem; font-weight: 750; line-height: 1.3; }
.wait { display: flex; justify-content: space-between; align-items: baseline; gap: 16px; }
.wait strong { font-size: 1.125rem; }
.button.waiting { cursor: not-allowed; }
.otp .input { margin-top: 4px; max-width: 240px; font-size: 1.375rem; letter-spacing: 0.22em; }
.facts { display: grid; gap: 8px; }
.facts > div { display: grid; gap: 0; }
.facts dt { color: var(--_muted); font-size: 0.875rem; }
.facts dd { font-weight: 600; }
.list { display: grid; gap: 8px; padding-inline-start: 20px; }
.reasons { list-style: none; display: grid; gap: 8px; }
.reasons li { padding: 12px 16px; background: var(--_sunken); border-radius: var(--_radius); }

/* dialog */
dialog { color: inherit; background: var(--_ground); border: 1px solid var(--_control-line); border-radius: var(--_radius); padding: 0; width: min(640px, calc(100vw - 16px)); max-height: calc(100dvh - 16px); overflow: auto; }
dialog::backdrop { background: rgb(10 14 12 / 0.55); }
dialog > .stack { padding: 24px; }
.bar { display: flex; align-items: start; justify-content: space-between; gap: 16px; }
.close { min-width: 44px; min-height: 44px; display: grid; place-items: center; background: none; border: 1px solid transparent; border-radius: var(--_radius); cursor: pointer; margin: -8px -8px 0 0; }
.close:hover { background: var(--_sunken); }

.notice { display: flex; gap: 12px; align-items: center; padding: 12px 16px; background: var(--_sunken); border-radius: var(--_radius); }
.notice .icon { color: var(--_accent); }
.notice > span:only-child { display: block; }

/* message */
.message { display: grid; gap: 0; justify-items: start; }
.link-space { min-height: 44px; }
.ghost { visibility: hidden; }
.bone.tall-2 { min-height: 48px; }
.bone.tall-5 { min-height: 240px; }

/* loading: a skeleton of the height of what comes */
.bone { display: block; border-radius: 4px; background: var(--_sunken); min-height: 1em; animation: breathe 1.6s ease-in-out infinite alternate; }
@keyframes breathe { from { opacity: 1; } to { opacity: 0.5; } }
.spinner { width: 18px; height: 18px; flex: none; border: 2.5px solid currentColor; border-inline-end-color: transparent; border-radius: 50%; animation: turn 0.9s linear infinite; }
@keyframes turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; scroll-behavior: auto !important; }
}
@media (max-width: 400px) {
  dialog > .stack { padding: 16px; }
  th, td { padding-inline: 5px; }
  table { font-size: 0.8125rem; }
}
@media (forced-colors: active) {
  .choice input:checked { background: Highlight; }
  .bars .principal, .bars .due { fill: Highlight; }
}
@media print {
  .actions, .close { display: none; }
  .document { max-height: none; overflow: visible; background: none; }
  .scroll { overflow: visible; }
}
`;

let sheet: CSSStyleSheet | undefined;

/** The shared sheet; made on first use, because constructing one needs a document. */
export function styles(): CSSStyleSheet {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(TEXT);
  }
  return sheet;
}
