import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './packs/visuals/schema/*.ts',
  out: './packs/visuals/drizzle',
  schemaFilter: ['pack_visuals'],
});
