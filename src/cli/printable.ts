import { stripVTControlCharacters } from 'node:util';

/** Controls, and the marks that turn the direction of what follows. */
const STEERING = /[\p{Cc}\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;

/** On one line, and so that what others wrote neither moves the cursor nor colours or turns round what follows. */
export const printable = (text: string): string => stripVTControlCharacters(text).replaceAll(STEERING, ' ');

/** The same of text that has lines of its own. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

/** JSON leaves the controls from U+007F on as they are, and a terminal obeys them: the same value, escaped. */
export const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replaceAll(STEERING, (mark) =>
    mark === '\n' ? mark : `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
