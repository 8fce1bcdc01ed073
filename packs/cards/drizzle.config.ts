import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './packs/cards/schema.ts',
  out: './packs/cards/drizzle',
  schemaFilter: ['pack_cards'],
});
