import { ankiConnect } from './anki-connect.ts';
import type { Collection, CollectionOptions } from './collection.ts';
import { ownDeck } from './own-deck.ts';

export function chooseCollection(options: CollectionOptions): Collection {
  const { ANKI_CONNECT_URL: url, ANKI_CONNECT_KEY: key } = options.environment;
  return url === undefined ? ownDeck(options) : ankiConnect({ ...options, url, key });
}
