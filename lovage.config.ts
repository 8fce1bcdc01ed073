import { defineConfig } from 'lovage';
import { diag } from './packs/diag/index.ts';

const withDiag = ['1', 'true'].includes(process.env['LOVAGE_DIAG'] ?? '');

export default defineConfig({
  packs: [...(withDiag ? [diag] : [])],
});
