import { resolve, type Document, type Schema } from './document.ts';

/**
 * A document whose objects have no other properties than it names. Where a schema stands for a value it is closed as a
 * whole, its parts are not: `allOf` of a task and an outcome may have the properties of both.
 */
export function closeSchemas(document: Document): Document {
  const hasNames = (schema: Schema, depth = 0): boolean => {
    const whole = resolve<Schema>(document, schema);
    if (depth > 5 || isOpen(whole)) return false;
    const parts = [...(whole.allOf ?? []), ...(whole.anyOf ?? []), ...(whole.oneOf ?? [])];
    if (
      [...(whole.anyOf ?? []), ...(whole.oneOf ?? [])].some((part) =>
        isAnything(resolve<Schema>(document, part)),
      )
    )
      return false;
    return whole.properties !== undefined || parts.some((part) => hasNames(part, depth + 1));
  };
  const closeParts = (schema: Schema): Schema => ({
    ...schema,
    ...(schema.properties && {
      properties: Object.fromEntries(
        Object.entries(schema.properties).map(([name, value]) => [name, closeValue(value)]),
      ),
    }),
    ...(schema.items && { items: closeValue(schema.items) }),
    ...(schema.allOf && { allOf: schema.allOf.map(closeParts) }),
    ...(schema.anyOf && { anyOf: schema.anyOf.map(closeParts) }),
    ...(schema.oneOf && { oneOf: schema.oneOf.map(closeParts) }),
  });
  const closeValue = (schema: Schema): Schema =>
    hasNames(schema) ? { allOf: [closeParts(schema)], unevaluatedProperties: false } : closeParts(schema);

  return mapSchemas(document, closeParts, closeValue);
}

const isOpen = ({ additionalProperties }: Schema): boolean =>
  additionalProperties !== undefined && additionalProperties !== false;
const isAnything = (schema: Schema): boolean =>
  ['type', '$ref', 'allOf', 'anyOf', 'oneOf', 'enum', 'const', 'properties'].every((key) => !(key in schema));

/** Components are parts, since others build on them; what an answer holds is a value. */
function mapSchemas(
  document: Document,
  part: (schema: Schema) => Schema,
  value: (schema: Schema) => Schema,
): Document {
  const components = Object.entries(document.components.schemas).map(([name, schema]) => [
    name,
    part(schema),
  ]);
  const closed = structuredClone({
    ...document,
    components: { ...document.components, schemas: Object.fromEntries(components) as Record<string, Schema> },
  });
  const responses = (closed.components as { responses?: object }).responses ?? {};
  const operations = Object.values(closed.paths).flatMap((item) => Object.values(item));
  for (const response of [
    ...Object.values(responses),
    ...operations.flatMap((operation) => Object.values(operation.responses)),
  ]) {
    const { content = {} } = response as { content?: Record<string, { schema?: Schema }> };
    for (const media of Object.values(content)) if (media.schema) media.schema = value(media.schema);
  }
  return closed;
}
