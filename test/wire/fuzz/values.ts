import fc from 'fast-check';
import { resolve, type Document, type Schema } from '../contract/document.ts';

const MAX_DEPTH = 4;

/** Values that fit a schema, as far as a schema can say. */
export function fitting(document: Document, given: Schema, depth = 0): fc.Arbitrary<unknown> {
  const schema = resolve<Schema>(document, given);
  const next = (inner: Schema) => fitting(document, inner, depth + 1);
  if ('const' in schema) return fc.constant(schema['const']);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return depth >= MAX_DEPTH ? fc.constant(null) : fc.oneof(...choices.map(next));
  if (schema.allOf) {
    return fc
      .tuple(...schema.allOf.map(next))
      .map((parts) => Object.assign({}, ...(parts as object[])) as unknown);
  }
  const types = [schema.type ?? []].flat();
  if (types.length > 1)
    return fc.oneof(...types.map((type) => fitting(document, { ...schema, type }, depth)));
  switch (types[0]) {
    case 'string':
      return text(schema);
    case 'integer':
    case 'number':
      return wholeNumber(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(next(schema.items ?? {}), { maxLength: Math.min(3, Number(schema['maxItems'] ?? 3)) });
    case 'object':
      return object(schema, next);
    case undefined:
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function object(schema: Schema, next: (schema: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const fields = Object.entries(schema.properties ?? {}).map(([name, value]) => [name, next(value)]);
  const required = (schema.required ?? []).filter((name) => name in (schema.properties ?? {}));
  return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>, {
    requiredKeys: required,
    noNullPrototype: true,
  });
}

function wholeNumber({
  minimum = 0,
  maximum = 2_147_483_647,
  exclusiveMinimum,
}: Schema): fc.Arbitrary<number> {
  const min = exclusiveMinimum === undefined ? Number(minimum) : Number(exclusiveMinimum) + 1;
  return fc.integer({ min: Math.max(min, -2_147_483_648), max: Math.min(Number(maximum), 2_147_483_647) });
}

const FORMATS: Record<string, fc.Arbitrary<string>> = {
  uuid: fc.uuid(),
  'date-time': fc
    .date({ min: new Date('1970-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  uri: fc.constant('https://hooks.example.com/lovage'),
  email: fc.constant('ada@example.com'),
};

function text({ format, pattern, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  if (typeof format === 'string' && format in FORMATS) return FORMATS[format] ?? fc.string();
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern));
  return fc.string({
    minLength: Number(minLength),
    maxLength: Math.min(Number(maxLength), 40),
    unit: 'grapheme',
  });
}

/** What does not fit, as a piece of JSON text: some of it no parser gives back as it came. */
export const hostileJson: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'null',
    '""',
    '[]',
    '{}',
    '-1',
    '1e999',
    '-1e999',
    '9007199254740993',
    '2147483648',
    '1.5',
    'true',
    '"\\u0000"',
    '"\\ud83d"',
    '{"\\u0000":1}',
    '{"__proto__":{"admin":true}}',
    '{"constructor":{"prototype":1}}',
    '"0000-01-01T00:00:00Z"',
    '"9999-12-31T23:59:59Z"',
    '"00000000-0000-0000-0000-000000000000"',
    '"%00"',
    '["a",1,null,{}]',
  ),
  fc.integer({ min: 400, max: 6_000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
  fc.integer({ min: 300, max: 20_000 }).map((length) => JSON.stringify('ä'.repeat(length))),
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
  fc.string({ unit: 'binary' }).map((value) => JSON.stringify(value)),
);

/** What stands in a URL or a header where something else was meant. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1.5',
    'NaN',
    '1e9',
    '99999999999999999999',
    'true',
    'null',
    '\0',
    '../..',
    '*',
    ',',
    "'",
    '{}',
  ),
  fc.constantFrom(
    '%',
    '\u{1F33F}',
    'ä'.repeat(300),
    'x'.repeat(2_000),
    '0000-01-01T00:00:00Z',
    '+275760-09-13T00:00:00Z',
  ),
  fc.uuid(),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.base64String({ maxLength: 60 }),
);
