import fc from 'fast-check';
import { resolve, type Document, type Schema } from '../contract/document.ts';

const MAX_DEPTH = 4;

/** What a schema cannot say, by the name of the field. */
const SENSIBLE: Record<string, string> = {
  cron: '0 3 * * *',
  rrule: 'FREQ=DAILY',
  timeZone: 'Europe/Zurich',
  url: 'https://hooks.example.com/lovage',
  callbackUrl: 'https://hooks.example.com/lovage',
  secret: `whsec_${Buffer.alloc(24, 7).toString('base64')}`,
  task: 'diag.noop',
  name: 'diag.noop',
};

/** Values for a field: mostly sensible ones where its schema says too little. */
export function fittingField(
  document: Document,
  name: string,
  schema: Schema,
  depth = 0,
): fc.Arbitrary<unknown> {
  const any = fitting(document, schema, depth);
  const sensible = SENSIBLE[name];
  return sensible === undefined ? any : fc.oneof({ weight: 4, arbitrary: fc.constant(sensible) }, any);
}

/** Values that fit a schema, as far as a schema can say. */
export function fitting(document: Document, given: Schema, depth = 0): fc.Arbitrary<unknown> {
  const schema = resolve<Schema>(document, given);
  const next = (inner: Schema, name = '') => fittingField(document, name, inner, depth + 1);
  if ('const' in schema) return fc.constant(schema['const']);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return depth >= MAX_DEPTH ? fc.constant(null) : fc.oneof(...choices.map((one) => next(one)));
  if (schema.allOf) {
    return fc
      .tuple(...schema.allOf.map((one) => next(one)))
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
      return fc.array(next(schema.items ?? {}), {
        minLength: Number(schema['minItems'] ?? 0),
        maxLength: Math.min(3, Number(schema['maxItems'] ?? 3)),
      });
    case 'object':
      return object(schema, next);
    case undefined:
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function object(
  schema: Schema,
  next: (schema: Schema, name: string) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const fields = Object.entries(schema.properties ?? {})
    .filter(([name]) => name !== 'cursor')
    .map(([name, value]) => {
      const field = next(value, name);
      return [name, schema.required?.includes(name) === true ? field : seldom(field)] as const;
    });
  return fc.record(Object.fromEntries(fields), { noNullPrototype: true });
}

/** Few at a time: what excludes each other seldom comes together. In JSON what is undefined is not there. */
export const seldom = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });

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
  // fast-check knows no classes such as \p{L}; letters are among them.
  if (typeof pattern === 'string')
    return fc.stringMatching(new RegExp(pattern.replaceAll('\\p{L}', 'a-z').replaceAll('\\p{N}', '0-9')));
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
