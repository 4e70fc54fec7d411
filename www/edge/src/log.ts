/** One JSON line an event: ids, codes, counts and times, never anything about a person. */
export function log(event: string, members: Readonly<Record<string, string | number>>): void {
  console.log(JSON.stringify({ event, ...members }));
}
