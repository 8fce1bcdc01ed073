import { customType, pgSchema, timestamp } from 'drizzle-orm/pg-core';

export const lovage = pgSchema('lovage');

export const at = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
export const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });
