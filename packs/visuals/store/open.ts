import { join, resolve } from 'node:path';
import { readEnvironment, type Environment } from '../environment.ts';
import type { ArtefactStore } from './artefact-store.ts';
import { openFolderStore } from './folder.ts';
import { openS3Store } from './s3.ts';

/** The store that the environment names: S3 where its URL is set, else a folder. */
export function openStore(env: Environment = readEnvironment()): ArtefactStore {
  if (env.VISUALS_S3_URL !== undefined) {
    return openS3Store({
      url: env.VISUALS_S3_URL,
      region: env.VISUALS_S3_REGION,
      accessKeyId: env.VISUALS_S3_ACCESS_KEY_ID ?? '',
      secretAccessKey: env.VISUALS_S3_SECRET_ACCESS_KEY ?? '',
    });
  }
  return openFolderStore(resolve(env.VISUALS_STORE_DIR ?? join(env.LOVAGE_DATA_DIR, 'visuals')));
}
