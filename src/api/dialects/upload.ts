import type { UploadedFile } from '../../dialect.ts';
import { LovageError } from '../../errors.ts';
import { type JsonBody, readBytes } from '../body.ts';
import type { DialectPack } from './parts.ts';

/** What a form may hold beside its file: boundaries, headers, other fields. */
const FORM_BYTES = 64 * 1024;

/** The longest body that a form with a file of so many bytes can have. */
const formBytes = (maxBytes: number): number => maxBytes + FORM_BYTES;

export interface Form {
  file: UploadedFile | undefined;
  /** Its other fields: texts by their names. */
  fields: JsonBody;
}

/** Reads a multipart form. @throws payload-too-large before more is read than that; malformed-json where it is no such form. */
export async function readUpload(
  request: Request,
  { field, maxBytes }: { field: string; maxBytes: number },
): Promise<Form> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type)) throw noForm(field);
  const tooLarge = new LovageError('payload-too-large', `The file is over the limit of ${maxBytes} bytes`);
  const bytes = await readBytes(request, formBytes(maxBytes), tooLarge);
  const form = await new Response(bytes, { headers: { 'content-type': type } })
    .formData()
    .catch((cause: unknown) => {
      throw noForm(field, cause);
    });
  const sent = form.get(field);
  if (sent instanceof File && sent.size > maxBytes) throw tooLarge;
  const texts = [...form].filter(([name, value]) => name !== field && typeof value === 'string');
  return {
    file: sent instanceof File ? await readFile(sent) : undefined,
    // Nothing is escaped in a form: its texts are looked through as they are.
    fields: { value: Object.fromEntries(texts), suspicion: { text: true, depth: false } },
  };
}

const readFile = async (file: File): Promise<UploadedFile> => ({
  name: file.name,
  type: file.type,
  bytes: new Uint8Array(await file.arrayBuffer()),
});

const noForm = (field: string, cause?: unknown): LovageError =>
  new LovageError('malformed-json', `Send a multipart form with the file in the field "${field}"`, { cause });

/** The longest body that any upload of these packs may have. */
export const largestUpload = (packs: readonly DialectPack[]): number =>
  Math.max(
    0,
    ...packs.flatMap(({ dialect }) =>
      dialect.routes.map((route) =>
        route.kind === 'resource' && route.upload ? formBytes(route.upload.maxBytes) : 0,
      ),
    ),
  );
