import { registerHooks } from 'node:module';

/**
 * More than half of a start went into drizzle-orm: for each of its modules Node reads its package.json again, with 447
 * exports, to learn that they are ES modules. Here that is known.
 */
registerHooks({
  resolve(specifier, context, nextResolve) {
    const isDrizzleOwn =
      specifier.startsWith('.') &&
      specifier.endsWith('.js') &&
      context.parentURL?.includes('/node_modules/drizzle-orm/') &&
      context.conditions.includes('import');
    if (!isDrizzleOwn) return nextResolve(specifier, context);
    return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true };
  },
});
