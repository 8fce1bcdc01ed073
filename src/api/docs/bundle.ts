import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Beside this file in the published package; in a checkout it comes with the devDependency.
const PLACES = ['./standalone.js', '../../../node_modules/@scalar/api-reference/dist/browser/standalone.js'];

/** Where Scalar's browser bundle lies, or undefined where nobody brought it along. */
export function findDocsBundle(): string | undefined {
  return PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) =>
    existsSync(path),
  );
}
