import { defineConfig, definePack, defineTask } from 'lovage';
import { z } from 'zod';

export const greet = defineTask({
  name: 'mail.greet',
  input: z.strictObject({ to: z.string() }),
  output: z.strictObject({ text: z.string() }),
  run: ({ input }) => ({ text: `Hello ${input.to}` }),
});

export const measure = defineTask({
  name: 'mail.measure',
  input: z.strictObject({ text: z.string() }),
  output: z.int(),
  isolation: 'process',
  run: ({ input }) => input.text.length,
});

export default defineConfig({ packs: [definePack({ name: 'mail', tasks: [greet, measure] })] });
