const dates = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' });

/** `March 5, 2026`, of an ISO time or date. */
export const formatDate = (iso: string): string => dates.format(new Date(iso));
