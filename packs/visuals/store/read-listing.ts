interface Listing {
  files: { key: string; writtenAt: Date }[];
  /** Where the next page begins. */
  next: string | undefined;
}

/** Reads the answer of ListObjectsV2. */
export function readListing(xml: string): Listing {
  const files = [...xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)].map(([, entry = '']) => ({
    key: valueOf(entry, 'Key') ?? '',
    writtenAt: new Date(valueOf(entry, 'LastModified') ?? NaN),
  }));
  return { files, next: valueOf(xml, 'NextContinuationToken') };
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function valueOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(xml)?.[1];
  return text?.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_all, entity: string) => ENTITIES[entity] ?? '');
}
