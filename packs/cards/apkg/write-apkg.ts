/** A file of a package: its bytes are asked for when its turn has come. */
export interface PackageMedia {
  name: string;
  read: () => Promise<Uint8Array>;
}

/**
 * A package as Anki imports it, piece by piece: one recording at a time is in memory, not all of a deck. Recordings are stored as
 * they are, under numbers that `media` translates.
 */
export async function* writeApkg(
  collection: Uint8Array,
  media: readonly PackageMedia[],
): AsyncGenerator<Uint8Array> {
  const { Zip, ZipDeflate, ZipPassThrough } = await import('fflate');
  // The earliest time that a zip can hold, in local time as its format has it: the same content makes the same file.
  const noTime = new Date(1980, 0, 1);
  let ready: Uint8Array[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    ready.push(chunk);
  });
  const take = () => {
    const taken = ready;
    ready = [];
    return taken;
  };
  const put = (name: string, bytes: Uint8Array, isStored = false) => {
    const file = isStored ? new ZipPassThrough(name) : new ZipDeflate(name, { level: 6 });
    file.mtime = noTime;
    zip.add(file);
    file.push(bytes, true);
  };
  const names = Object.fromEntries(media.map(({ name }, index) => [index, name]));
  put('collection.anki2', collection);
  yield* take();
  put('media', new TextEncoder().encode(JSON.stringify(names)));
  for (const [index, { read }] of media.entries()) {
    put(String(index), await read(), true);
    yield* take();
  }
  zip.end();
  yield* take();
}
