import { createHash } from 'node:crypto';
import { extensionOf, type ContentType } from './artefact-store.ts';

/** What a store calls these bytes. */
export const keyOf = (bytes: Uint8Array, contentType: ContentType): string =>
  `${createHash('sha256').update(bytes).digest('hex')}.${extensionOf(contentType)}`;
