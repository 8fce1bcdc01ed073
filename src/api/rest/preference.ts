/** The seconds of `Prefer: wait=N` (RFC 7240), or undefined: a preference that makes no sense is passed over. */
export function preferredWait(header: string | undefined): number | undefined {
  for (const preference of header?.split(',') ?? []) {
    const seconds = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(;.*)?$/i.exec(preference)?.[1];
    if (seconds !== undefined) return Number(seconds) || undefined;
  }
  return undefined;
}
