import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** A schema where it is used: what JSON Schema cannot say is left open. */
export function toInline(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => nameProperties(jsonSchema),
  });
  return json;
}

/** A record of known names as an object of them: generators of clients and Redocly read no `propertyNames`. */
function nameProperties(json: z.core.JSONSchema.BaseSchema): void {
  const { propertyNames, additionalProperties: value } = json;
  if (typeof propertyNames !== 'object' || !propertyNames.enum || typeof value !== 'object') return;
  json.properties = Object.fromEntries(propertyNames.enum.map((name) => [String(name), value]));
  json.additionalProperties = false;
  delete json.propertyNames;
}

/**
 * A definition's schema as a component, and beside it what it refers to within itself: generators of clients take `$defs`
 * for a property.
 */
export function toComponents(
  name: string,
  schema: z.ZodType,
  io: 'input' | 'output',
): Record<string, JsonSchema> {
  const { $defs = {}, ...root } = rebase(toInline(schema, io), name) as JsonSchema & { $defs?: JsonSchema };
  const inner = Object.entries($defs).map(([key, part]) => [`${name}.${key}`, part]);
  return { [name]: root, ...(Object.fromEntries(inner) as Record<string, JsonSchema>) };
}

/** `#` and `#/$defs/x` mean the schema's own root, which is no longer the document's. */
function rebase(node: unknown, name: string): unknown {
  if (Array.isArray(node)) return node.map((item) => rebase(item, name));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string' && value.startsWith('#')
        ? `#/components/schemas/${name}${value.slice(1).replace('/$defs/', '.')}`
        : rebase(value, name),
    ]),
  );
}
