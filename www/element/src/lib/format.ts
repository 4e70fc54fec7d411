/** Money, rates and dates as people read them. Amounts stay exact: they are never divided as floating point. */

/** Digits after the decimal point of a currency, as this browser's ISO 4217 data has them. */
export function exponent(currency: string): number {
  return (
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
  );
}

/** Minor units to a plain decimal string: `129900`, `USD` gives `1299.00`. */
export function decimal(amount: number, currency: string): string {
  const digits = exponent(currency);
  const sign = amount < 0 ? '-' : '';
  const text = String(Math.abs(amount)).padStart(digits + 1, '0');
  if (digits === 0) return sign + text;
  return `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** Minor units as money in the reader's locale. */
export function money(amount: number, currency: string, locale: string): string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency });
  // A decimal string is formatted exactly by every current engine; the library's types still ask for a number.
  return format.format(decimal(amount, currency) as unknown as number);
}

/** The currency's symbol, for the prefix of an amount field. */
export function currencySymbol(currency: string, locale: string): string {
  const parts = new Intl.NumberFormat(locale, { style: 'currency', currency }).formatToParts(0);
  return parts.find((part) => part.type === 'currency')?.value ?? currency;
}

/**
 * What a person typed as an amount, in minor units; `undefined` when it is not one. Accepts the locale's grouping and
 * decimal sign and refuses more decimals than the currency has: an amount is never guessed.
 */
export function parseMoney(text: string, currency: string, locale: string): number | undefined {
  const parts = new Intl.NumberFormat(locale).formatToParts(1234567.8);
  const group = parts.find((part) => part.type === 'group')?.value ?? ',';
  const point = parts.find((part) => part.type === 'decimal')?.value ?? '.';
  const symbol = currencySymbol(currency, locale);
  const plain = text.replaceAll(symbol, '').replaceAll(group, '').replaceAll(/\s/gu, '').replace(point, '.');
  const match = /^(\d{1,13})(?:\.(\d*))?$/u.exec(plain);
  if (match === null) return undefined;
  const digits = exponent(currency);
  const fraction = match[2] ?? '';
  if (fraction.length > digits) return undefined;
  const amount = Number(`${match[1]}${fraction.padEnd(digits, '0')}`);
  return Number.isSafeInteger(amount) ? amount : undefined;
}

/** A civil date `2026-12-23` as the reader writes it; `long` spells the month out. */
export function date(iso: string, locale: string, style: 'medium' | 'long' | 'short' = 'medium'): string {
  const value = new Date(`${iso}T00:00:00Z`);
  if (Number.isNaN(value.getTime())) return iso;
  if (style === 'short') {
    return new Intl.DateTimeFormat(locale, { month: 'short', year: '2-digit', timeZone: 'UTC' }).format(
      value,
    );
  }
  return new Intl.DateTimeFormat(locale, { dateStyle: style, timeZone: 'UTC' }).format(value);
}

/** An instant's time of day in the reader's own time zone. */
export function timeOfDay(instant: string, locale: string): string {
  const value = new Date(instant);
  if (Number.isNaN(value.getTime())) return instant;
  return new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' }).format(value);
}

/** A decimal string of per cent as given, with the reader's decimal sign. */
export function percent(text: string, locale: string): string {
  const digits = text.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
  const format = new Intl.NumberFormat(locale, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${format.format(text as unknown as number)}%`;
}

/** `1 payment`, `6 payments`. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
