import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { closeSchemas } from './close-schemas.ts';
import {
  operationsOf,
  resolve,
  type Document,
  type DocumentedResponse,
  type Operation,
  type Reference,
} from './document.ts';

export interface SeenAnswer {
  status: number;
  headers: Headers;
  text: string;
}

export interface Contract {
  document: Document;
  /** The operation of a request, or undefined where the document knows none. */
  find(method: string, path: string): Operation | undefined;
  /** Everything that the document does not say of this answer. */
  violations(method: string, path: string, answer: SeenAnswer): string[];
}

/** Headers that the document's introduction speaks of, and those of HTTP itself. */
const UNSAID =
  /^(?:access-control-.*|cache-control|connection|content-encoding|content-length|content-security-policy|content-type|cross-origin-resource-policy|date|keep-alive|referrer-policy|transfer-encoding|vary|x-content-type-options|x-frame-options)$/;

const known = new Map<string, Contract>();

/** What a document promises, ready to be held against answers. Compiled once for every document. */
export function readContract(text: string): Contract {
  const contract = known.get(text) ?? createContract(JSON.parse(text) as Document);
  known.set(text, contract);
  return contract;
}

function createContract(given: Document): Contract {
  const document = closeSchemas(given);
  const ajv = new Ajv2020.default({ strict: false, allErrors: true, validateFormats: true });
  addFormats.default(ajv);
  ajv.addSchema(document, 'document');
  const operations = operationsOf(document).map((operation) => ({
    ...operation,
    // A path without a variable is meant where it fits.
    rank: operation.path.includes('{') ? 1 : 0,
    pattern: new RegExp(`^${operation.path.replaceAll(/[.:]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }));
  operations.sort((one, other) => one.rank - other.rank);

  const find = (method: string, path: string) => {
    const asked = method === 'HEAD' ? 'GET' : method;
    const bare = path.split('?')[0] ?? '';
    return operations.find((one) => one.method === asked && one.pattern.test(bare));
  };

  return {
    document,
    find,
    violations(method, path, answer) {
      const operation = find(method, path);
      if (operation === undefined) return withoutOperation(method, answer);
      const [status, response] = responseFor(operation, answer);
      if (response === undefined) return [`the status ${answer.status} is not documented`];
      const whole = resolve<DocumentedResponse>(document, response);
      const at = '$ref' in response ? response.$ref : pointer(operation, status);
      // A dialect names the answers it has schemas for; its headers are its own.
      if (isForeign(operation)) {
        const isDeclared = status !== 'default' && method !== 'HEAD';
        return isDeclared ? bodyFaults(ajv, at, whole, answer) : [];
      }
      return [
        ...headerFaults(document, whole, answer),
        ...(method === 'HEAD' ? [] : bodyFaults(ajv, at, whole, answer)),
      ];
    },
  };
}

/** `default` is for what never became a request; and dialects and tRPC, which have their own words, have nothing else. */
function responseFor(
  operation: Operation,
  { status, text }: SeenAnswer,
): [string, DocumentedResponse | Reference | undefined] {
  const own = operation.responses[status];
  if (own !== undefined) return [String(status), own];
  const isUnread = [400, 408, 417, 431].includes(status) && text.includes('"about:blank"');
  return ['default', isUnread || isForeign(operation) ? operation.responses['default'] : undefined];
}

const isForeign = ({ responses }: Operation): boolean => '4XX' in responses && 'default' in responses;

/** No route: nothing there, or another method, or no key to look behind the door. */
function withoutOperation(method: string, { status, headers }: SeenAnswer): string[] {
  const isExpected = method === 'OPTIONS' || [400, 401, 404, 405, 408, 417, 422, 431, 503].includes(status);
  if (!isExpected) return [`${status} from a route that is not documented`];
  const isAllowed = headers.has('allow') || !(status === 405 || (method === 'OPTIONS' && status === 204));
  return isAllowed || headers.has('access-control-max-age') ? [] : ['405 without Allow'];
}

function headerFaults(document: Document, response: DocumentedResponse, { headers }: SeenAnswer): string[] {
  const documented = Object.entries(response.headers ?? {});
  const missing = documented
    .filter(
      ([name, header]) =>
        resolve<{ required?: boolean }>(document, header).required === true && !headers.has(name),
    )
    .map(([name]) => `the header ${name} is missing`);
  const names = new Set(documented.map(([name]) => name.toLowerCase()));
  const unsaid = [...headers.keys()]
    .filter((name) => !names.has(name) && !UNSAID.test(name))
    .map((name) => `the header ${name} is not documented`);
  return [...missing, ...unsaid];
}

function bodyFaults(
  ajv: InstanceType<typeof Ajv2020.default>,
  at: string,
  { content }: DocumentedResponse,
  { headers, text }: SeenAnswer,
): string[] {
  const type = headers.get('content-type')?.split(';')[0]?.trim();
  if (content === undefined) return text === '' ? [] : [`a body is not documented`];
  if (type === undefined || !(type in content)) return [`the content type ${type} is not documented`];
  if (!/[/+]json$/.test(type) || content[type]?.schema === undefined) return [];
  const schema = `document${at}/content/${escape(type)}/schema`;
  const validate = ajv.getSchema(schema) ?? ajv.compile({ $ref: schema });
  if (validate(JSON.parse(text))) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

const escape = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1');
const pointer = ({ method, path }: Operation, status: string): string =>
  `#/paths/${escape(path)}/${method.toLowerCase()}/responses/${status}`;
