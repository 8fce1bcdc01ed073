import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './packs/filings/schema.ts',
  out: './packs/filings/drizzle',
  schemaFilter: ['pack_filings'],
});
