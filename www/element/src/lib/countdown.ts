/** How often the clock is looked at: a tab that slept is right again this soon. */
const LOOK_MS = 250;

/**
 * Calls `tick` with the whole seconds that are left: at once, and with each that passes, down to 0. It ends by itself
 * when `element` leaves the page.
 */
export function countDown(element: Element, seconds: number, tick: (left: number) => void): void {
  const end = performance.now() + seconds * 1000;
  let last = Math.max(0, Math.ceil(seconds));
  tick(last);
  if (last === 0) return;
  const timer = setInterval(() => {
    if (!element.isConnected) {
      clearInterval(timer);
      return;
    }
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    if (left === last) return;
    last = left;
    if (left === 0) clearInterval(timer);
    tick(left);
  }, LOOK_MS);
}

/** `0:09`, `1:30`. */
export function clockText(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
