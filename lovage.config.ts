import { defineConfig } from 'lovage';
import { cards } from './packs/cards/index.ts';
import { diag } from './packs/diag/index.ts';
import { filings } from './packs/filings/index.ts';
import { retros } from './packs/retros/index.ts';
import { visuals } from './packs/visuals/index.ts';

const withDiag = ['1', 'true'].includes(process.env['LOVAGE_DIAG'] ?? '');

export default defineConfig({
  packs: [cards, filings, retros, visuals, ...(withDiag ? [diag] : [])],
});
