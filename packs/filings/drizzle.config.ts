import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './packs/filings/store/schema.ts',
  out: './packs/filings/drizzle',
  schemaFilter: ['pack_filings'],
});
