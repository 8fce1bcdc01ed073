import { defineConfig } from 'lovage';
import { cards } from '../../../packs/cards/index.ts';

/** Cards alone: workers that are killed again and again start quicker. */
export default defineConfig({ packs: [cards] });
