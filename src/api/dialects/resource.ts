import type { DialectReply, DialectRequest, ResourceRoute, UploadedFile } from '../../dialect.ts';
import { readOptionalJson } from '../body.ts';
import type { HttpContext } from '../context.ts';
import { requireScope } from '../trpc/procedures.ts';
import { fitBody, fitQuery } from './fit.ts';
import { scopeOf } from './identify-visitor.ts';
import type { DialectParts } from './parts.ts';
import { readUpload } from './upload.ts';

export function answerResource(route: ResourceRoute, { parts }: DialectParts) {
  return async (c: HttpContext, request: DialectRequest): Promise<DialectReply> => {
    requireScope(c.var.caller, scopeOf(route));
    const query = route.query ? await fitQuery(route.query, new URL(c.req.url).searchParams) : request.query;
    const { body, file } = await readBody(route, c.req.raw, parts.maxBodyBytes);
    return route.reply({ ...request, query, body, file });
  };
}

async function readBody(
  { upload, body: schema }: ResourceRoute,
  request: Request,
  maxBytes: number,
): Promise<{ body: unknown; file: UploadedFile | undefined }> {
  if (upload) {
    const { file, fields } = await readUpload(request, upload);
    return { body: schema ? await fitBody(schema, fields) : fields.value, file };
  }
  if (!schema) return { body: undefined, file: undefined };
  return { body: await fitBody(schema, await readOptionalJson(request, maxBytes)), file: undefined };
}
