import { createRequire } from 'node:module';

const { resolve } = createRequire(import.meta.url);

/** Font files that come with the code, so that drawn text does not depend on what a machine has installed. */
export const fonts = () => ({
  family: 'DejaVu Sans',
  regular: resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'),
  bold: resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf'),
});
