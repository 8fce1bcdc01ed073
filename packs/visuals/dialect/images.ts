import { resource, type DialectRequest, type DialectRoute } from 'lovage';
import { readEnvironment } from '../environment.ts';
import { BadImage } from '../images/bad-image.ts';
import { MAX_BYTES, readPhoto } from '../images/read-photo.ts';
import { storeImage } from '../images/store-image.ts';
import { filePath } from '../previews/render.ts';
import { findOwned } from '../rows/find-owned.ts';
import { images } from '../schema/index.ts';
import { openStore } from '../store/open.ts';
import { refuse, refuseMissing } from './errors.ts';
import { signPath } from './links.ts';

const renderImage = (request: DialectRequest, row: typeof images.$inferSelect) => ({
  id: row.id,
  url: signPath(request, filePath(row.fileKey)),
  width: row.width,
  height: row.height,
  format: row.format,
  size_bytes: row.sizeBytes,
  uploaded_at: row.uploadedAt.toISOString(),
});

export const imageRoutes: readonly DialectRoute[] = [
  resource({
    method: 'post',
    path: '/api/images/upload',
    aliases: ['/api/images'],
    summary: 'Upload a photo: JPEG, PNG or WebP, up to 10 MB, 100 to 8000 pixels a side',
    kind: 'resource',
    upload: { field: 'file', maxBytes: MAX_BYTES },
    async reply({ file, ...request }) {
      if (file === undefined) return refuse(400, 'The form has no file in its field "file"');
      try {
        const photo = await readPhoto(file.bytes, file.type);
        const env = readEnvironment();
        const owner = { tenant: request.tenant, keepDays: env.VISUALS_KEEP_DAYS };
        const row = await storeImage(request.db, openStore(env), owner, photo);
        return { status: 200, body: renderImage(request as DialectRequest, row) };
      } catch (error) {
        if (error instanceof BadImage) return refuse(400, `Image validation failed: ${error.message}`);
        throw error;
      }
    },
  }),
  resource({
    method: 'get',
    path: '/api/images/{id}',
    summary: 'A photo that was uploaded',
    kind: 'resource',
    async reply(request) {
      const { db, tenant, params } = request;
      const found = await findOwned(db, images, { id: params['id'] ?? '', tenant });
      if ('missing' in found) return refuseMissing('Image', found.missing);
      return { status: 200, body: renderImage(request as DialectRequest, found.row) };
    },
  }),
];
