import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readEnvironment } from '../../../packs/visuals/environment.ts';
import type { ArtefactStore } from '../../../packs/visuals/store/artefact-store.ts';
import { openStore } from '../../../packs/visuals/store/open.ts';
import { startS3, type S3Server } from './s3-server.ts';

let folder: string;
let s3: S3Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lovage-store-'));
  s3 = await startS3();
});
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const s3Settings = (secret = 'an-s3-secret') => ({
  VISUALS_S3_URL: s3.url,
  VISUALS_S3_ACCESS_KEY_ID: 'AKID',
  VISUALS_S3_SECRET_ACCESS_KEY: secret,
});
const bytes = Buffer.from('a picture');
async function collect(keys: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const key of keys) all.push(key);
  return all.toSorted();
}
const SOON = () => new Date(Date.now() + 60_000);

describe.each<[string, () => ArtefactStore]>([
  ['a folder', () => openStore(readEnvironment({ VISUALS_STORE_DIR: folder }))],
  ['a bucket', () => openStore(readEnvironment(s3Settings()))],
])('%s', (_name, open) => {
  test('gives back what was put, under the hash of its bytes, however often it is put', async () => {
    const store = open();
    const key = await store.put(bytes, 'image/png');
    expect(key).toMatch(/^[0-9a-f]{64}\.png$/);
    expect(await store.put(bytes, 'image/png')).toBe(key);
    expect(await store.get(key)).toEqual({ bytes, contentType: 'image/png' });
    expect(await collect(store.listOlderThan(SOON()))).toEqual([key]);
  });

  test('has nothing under a key that was never put, and no complaint about removing it', async () => {
    const store = open();
    const key = `${'0'.repeat(64)}.pdf`;
    expect(await store.get(key)).toBeUndefined();
    await store.remove(key);
  });

  test('takes no path for a key', async () => {
    await expect(async () => open().get('../../secret.png')).rejects.toThrow('no key of an artefact');
  });

  test('lists what is older than a time, over all pages, and not what is younger', async () => {
    const store = open();
    const keys = await Promise.all(
      ['one', 'two', 'three', 'four'].map((text) => store.put(Buffer.from(text), 'application/json')),
    );
    const listed = await collect(store.listOlderThan(SOON()));
    expect(listed).toEqual(expect.arrayContaining(keys));
    expect(await collect(store.listOlderThan(new Date(0)))).toEqual([]);
    for (const key of listed) await store.remove(key);
    expect(await collect(store.listOlderThan(SOON()))).toEqual([]);
  });
});

test('what a crash left half-written in a folder is never listed as a file, and goes with its age', async () => {
  const store = openStore(readEnvironment({ VISUALS_STORE_DIR: folder }));
  const key = await store.put(bytes, 'image/png');
  const half = join(folder, key.slice(0, 2), `${key}.1234.part`);
  await writeFile(half, 'a pic');
  await utimes(half, new Date(0), new Date(0));
  expect(await collect(store.listOlderThan(SOON()))).toEqual([key]);
  expect(await readdir(join(folder, key.slice(0, 2)))).toEqual([key]);
});

test('a folder that cannot be used is an error of the store, and no word of where it is', async () => {
  const file = join(folder, 'no-folder');
  await writeFile(file, '');
  const store = openStore(readEnvironment({ VISUALS_STORE_DIR: file }));
  const refused = { code: 'StoreError', message: expect.not.stringContaining(folder) };
  await expect(store.put(bytes, 'image/png')).rejects.toMatchObject(refused);
  await expect(store.get(`${'0'.repeat(64)}.png`)).rejects.toMatchObject(refused);
});

test('a bucket that refuses the signature is an error with its status, and no word of the secret', async () => {
  const store = openStore(readEnvironment(s3Settings('another-secret')));
  const refused = store.put(bytes, 'image/png');
  await expect(refused).rejects.toMatchObject({ code: 'StoreError', status: 403 });
  await expect(refused).rejects.not.toThrow('another-secret');
});

test('a bucket that is not there is an error when it is written to, and when it is listed', async () => {
  const url = s3.url.replace('/bucket/', '/elsewhere/');
  const store = openStore(readEnvironment({ ...s3Settings(), VISUALS_S3_URL: url }));
  await expect(store.put(bytes, 'image/png')).rejects.toMatchObject({ status: 404 });
  await expect(collect(store.listOlderThan(SOON()))).rejects.toMatchObject({ status: 404 });
});

test('a URL of a bucket without its keys is a fault of the environment', () => {
  expect(() => readEnvironment({ VISUALS_S3_URL: 'https://s3.example.com/bucket' })).toThrow(
    'VISUALS_S3_ACCESS_KEY_ID',
  );
});
