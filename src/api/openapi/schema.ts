import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** A definition's schema as a component: what JSON Schema cannot say is left open, its own `$ref`s follow it. */
export function toComponent(name: string, schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rebase(json, `#/components/schemas/${name}`) as JsonSchema;
}

/** `#/$defs/x` means the schema's root, which is no longer the document's. */
function rebase(node: unknown, root: string): unknown {
  if (Array.isArray(node)) return node.map((item) => rebase(item, root));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string' && value.startsWith('#')
        ? root + value.slice(1)
        : rebase(value, root),
    ]),
  );
}
