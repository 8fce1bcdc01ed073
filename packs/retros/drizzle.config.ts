import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './packs/retros/schema.ts',
  out: './packs/retros/drizzle',
  schemaFilter: ['pack_retros'],
});
