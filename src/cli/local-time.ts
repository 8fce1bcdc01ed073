/** A time as everybody reads it, and beside it as clocks in a zone show it. */
export function localTime(iso: string, timeZone: string): string {
  if (timeZone === 'UTC') return iso;
  const format = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const zone = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'shortOffset' });
  const offset =
    zone.formatToParts(new Date(iso)).find(({ type }) => type === 'timeZoneName')?.value ?? timeZone;
  return `${iso}  ${format.format(new Date(iso))} ${offset}`;
}
