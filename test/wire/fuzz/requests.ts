import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { resolve, type Document, type Operation, type Parameter, type Schema } from '../contract/document.ts';
import { fitting, fittingField, hostileJson, hostileText, seldom } from './values.ts';

/** One request, as its bytes will be. Printed whole where it fails. */
export interface FuzzRequest {
  method: string;
  path: string;
  headers: [string, string][];
  body: string | undefined;
  /** The body is what this stands for, where it is no text. */
  encoding?: 'gzip' | 'torn-gzip' | 'latin1';
}

/** What exists, so that some requests find something: by the name of the variable. */
export type Known = Record<string, readonly string[]>;

export interface Parts {
  path: Record<string, string>;
  query: [string, string][];
  headers: [string, string][];
  body: string | undefined;
}

/** Requests that an operation should take, as far as its schemas say. No cursor: those are given out, not made. */
export function fittingParts(document: Document, operation: Operation, known: Known): fc.Arbitrary<Parts> {
  const parameters = (operation.parameters ?? []).map((one) => resolve<Parameter>(document, one));
  const of = (place: Parameter['in']) =>
    parameters.filter((parameter) => parameter.in === place && parameter.name !== 'cursor');
  const valued = ({ name, schema }: Parameter) =>
    fittingField(document, name, schema).map((value) => [name, value] as const);
  const some = (place: Parameter['in']) =>
    fc
      .tuple(
        ...of(place).map((parameter) =>
          parameter.required === true ? valued(parameter) : seldom(valued(parameter)),
        ),
      )
      .map((pairs) => pairs.flatMap((pair) => (pair === undefined ? [] : spread(pair))));
  const path = fc.record(
    Object.fromEntries(
      of('path').map(({ name, schema }) => {
        const exists = known[name] ?? [];
        const any = fitting(document, schema).map((value) => String(value) || 'x');
        return [
          name,
          exists.length > 0 ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...exists) }, any) : any,
        ];
      }),
    ),
  );
  const schema = operation.requestBody?.content['application/json']?.schema;
  const whole =
    schema === undefined ? undefined : fitting(document, schema).map((value) => JSON.stringify(value));
  const isOptional = operation.requestBody?.required !== true;
  const body =
    whole === undefined ? fc.constant(undefined) : isOptional ? fc.option(whole, { nil: undefined }) : whole;
  return fc.record({ path, query: some('query'), headers: some('header'), body });
}

const spread = ([name, value]: readonly [string, unknown]): [string, string][] =>
  Array.isArray(value) ? value.map((item) => [name, String(item)]) : [[name, String(value)]];

type Spoil = (parts: Parts) => Parts & Pick<FuzzRequest, 'encoding'>;

/** The same with one thing wrong; sometimes it is still right, which is as well. */
export function spoiledParts(document: Document, operation: Operation, known: Known) {
  const schema = resolve<Schema>(document, operation.requestBody?.content['application/json']?.schema ?? {});
  const names = Object.keys(schema.properties ?? {});
  const parameters = (operation.parameters ?? []).map((one) => resolve<Parameter>(document, one));
  const nameIn = (place: Parameter['in'], more: string[]) =>
    fc.constantFrom(...parameters.filter((one) => one.in === place).map(({ name }) => name), ...more);
  const spoil = fc.oneof(
    fc
      .tuple(fc.constantFrom(...names, 'unknown', '__proto__'), hostileJson)
      .map(([name, value]): Spoil => (parts) => ({ ...parts, body: replaceField(parts.body, name, value) })),
    hostileJson.map((body): Spoil => (parts) => ({ ...parts, body })),
    fc.nat(30).map((cut): Spoil => (parts) => ({
      ...parts,
      body: (parts.body ?? '{"a":1}').slice(0, -1 - cut),
    })),
    fc.constantFrom(...names, 'unknown').map((name): Spoil => (parts) => ({
      ...parts,
      body: replaceField(parts.body, name, undefined),
    })),
    fc
      .constantFrom('gzip' as const, 'torn-gzip' as const, 'latin1' as const)
      .map((encoding): Spoil => (parts) => ({
        ...parts,
        body: parts.body ?? '{"reason":"\u00e4"}',
        encoding,
        headers: encoding === 'latin1' ? parts.headers : [...parts.headers, ['Content-Encoding', 'gzip']],
      })),
    fc
      .tuple(nameIn('query', ['unknown', 'cursor', 'a[b]', '']), hostileText)
      .map((pair): Spoil => (parts) => ({
        ...parts,
        query: [...parts.query.filter(([name]) => name !== pair[0]), pair],
      })),
    fc.tuple(nameIn('query', ['unknown']), hostileText).map((pair): Spoil => (parts) => ({
      ...parts,
      query: [...parts.query, pair, pair],
    })),
    fc
      .tuple(
        nameIn('header', ['Last-Event-ID', 'If-None-Match', 'Idempotency-Key', 'Prefer', 'Content-Type']),
        hostileText,
      )
      .map(([name, value]): Spoil => (parts) => ({
        ...parts,
        headers: [...parts.headers, [name, value]],
      })),
    fc
      .constantFrom(
        'X-API-Key',
        'Authorization',
        'Idempotency-Key',
        'Content-Type',
        'Last-Event-ID',
        'X-Request-ID',
      )
      .map((name): Spoil => (parts) => ({
        ...parts,
        headers: [...parts.headers, [name, 'one'], [name, 'two']],
      })),
    fc.tuple(nameIn('path', ['none']), hostileText).map(([name, value]): Spoil => (parts) => ({
      ...parts,
      path: { ...parts.path, [name]: value || '%' },
    })),
  );
  return fc.tuple(fittingParts(document, operation, known), spoil).map(([parts, change]) => change(parts));
}

/** What has broken somebody's server before, each once: no luck is needed to find it. */
export function classics(document: Document, operation: Operation, known: Known): Parts[] {
  const parameters = (operation.parameters ?? []).map((one) => resolve<Parameter>(document, one));
  const path = Object.fromEntries(
    parameters.filter((one) => one.in === 'path').map(({ name }) => [name, known[name]?.[0] ?? 'x']),
  );
  const plain: Parts = { path, query: [], headers: [], body: operation.requestBody && '{}' };
  return parameters
    .flatMap(({ name, in: place }) =>
      (place === 'path' ? ['\0', '%'] : ['\0']).map((value): Parts => {
        if (place === 'path') return { ...plain, path: { ...path, [name]: value } };
        return place === 'query'
          ? { ...plain, query: [[name, value]] }
          : { ...plain, headers: [[name, value]] };
      }),
    )
    .concat(
      operation.requestBody === undefined
        ? []
        : ['', '{', 'null', '{"\\u0000":"\\ud83d"}', '['.repeat(40_000)].map((body) => ({ ...plain, body })),
    );
}

function replaceField(body: string | undefined, name: string, value: string | undefined): string {
  const fields = Object.entries(objectOf(body)).filter(([key]) => key !== name);
  const kept = fields.map(([key, field]) => `${JSON.stringify(key)}:${JSON.stringify(field)}`);
  return `{${[...kept, ...(value === undefined ? [] : [`${JSON.stringify(name)}:${value}`])].join(',')}}`;
}

function objectOf(body: string | undefined): object {
  const value = JSON.parse(body ?? '{}') as unknown;
  return typeof value === 'object' && value !== null ? value : {};
}

/** Node sends no other bytes in a header. */
const inHeader = (value: string): string => value.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?');

export function toRequest(operation: Operation, parts: Parts & Pick<FuzzRequest, 'encoding'>): FuzzRequest {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encode(parts.path[name] ?? 'x'),
  );
  const query = parts.query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
  return {
    method: operation.method,
    path: query === '' ? path : `${path}?${query}`,
    headers: parts.headers.map(([name, value]) => [name, inHeader(value)]),
    body: parts.body,
    ...(parts.encoding && { encoding: parts.encoding }),
  };
}

/** `%` alone stays as it is: a URL that cannot be decoded. */
const encode = (value: string): string => (value === '%' ? '%' : encodeURIComponent(value.toWellFormed()));

export function bytesOf({ body = '', encoding }: FuzzRequest): Buffer {
  if (encoding === 'latin1') return Buffer.from(body, 'latin1');
  if (encoding === undefined) return Buffer.from(body);
  return encoding === 'gzip' ? gzipSync(body) : gzipSync(body).subarray(0, 12);
}
