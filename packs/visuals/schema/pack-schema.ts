import { customType, pgSchema } from 'drizzle-orm/pg-core';

export const packVisuals = pgSchema('pack_visuals');

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
