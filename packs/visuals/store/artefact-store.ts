/** Keeps files by the SHA-256 of their bytes: the same bytes are one file, and never change. */
export interface ArtefactStore {
  /** Writes the file whole or not at all; again where it is there already. */
  put: (bytes: Uint8Array, contentType: ContentType) => Promise<string>;
  /** Undefined where there is none. */
  get: (key: string) => Promise<Artefact | undefined>;
  /** Nothing happens where there is none. */
  remove: (key: string) => Promise<void>;
  /** Keys of the files that were last written before this time. */
  listOlderThan: (time: Date) => AsyncIterable<string>;
}

export interface Artefact {
  bytes: Buffer;
  contentType: ContentType;
}

const EXTENSIONS = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'application/pdf': 'pdf',
  'application/json': 'json',
} as const;

export type ContentType = keyof typeof EXTENSIONS;

export const extensionOf = (contentType: ContentType): string => EXTENSIONS[contentType];

const KEY = /^[0-9a-f]{64}\.(jpg|png|webp|pdf|json)$/;
export const isArtefactKey = (key: string): boolean => KEY.test(key);

/** By the extension of its key. */
export function contentTypeOf(key: string): ContentType {
  const types = Object.keys(EXTENSIONS) as ContentType[];
  const type = types.find((candidate) => key.endsWith(`.${EXTENSIONS[candidate]}`));
  if (type === undefined || !isArtefactKey(key)) throw new Error(`"${key}" is no key of an artefact`);
  return type;
}
