import type { DialectRoute, ResourceRoute, SubmitRoute } from '../../dialect.ts';
import { inputComponent, refTo } from './definitions.ts';
import { type JsonSchema, toComponents, toInline } from './schema.ts';

const componentOf = (id: string): string => `${id}.body`;

/** A body of a route's own, as a component. Forms are described where they are sent. */
export function bodyComponents(id: string, route: DialectRoute): Record<string, JsonSchema> {
  if (!('body' in route) || !route.body || isForm(route)) return {};
  return toComponents(componentOf(id), route.body, 'input');
}

export function requestBodyOf(id: string, route: DialectRoute): JsonSchema | undefined {
  if (route.kind === 'submit') return bodyOfSubmit(id, route);
  if (route.kind !== 'resource') return undefined;
  if (route.upload) return formOf(route.upload, route);
  return route.body && json(componentOf(id), !route.body.safeParse(undefined).success);
}

function bodyOfSubmit(id: string, { body, task }: SubmitRoute): JsonSchema | undefined {
  if (body === null) return undefined;
  if (body === undefined) return json(inputComponent(task), true);
  return json(componentOf(id), !body.safeParse(undefined).success);
}

const json = (component: string, required: boolean): JsonSchema => ({
  required,
  content: { 'application/json': { schema: refTo(component) } },
});

/** A file, and what the form may hold beside it. */
function formOf(
  { field, maxBytes }: { field: string; maxBytes: number },
  { body }: ResourceRoute,
): JsonSchema {
  const fields = (body ? toInline(body, 'input') : {}) as { properties?: JsonSchema; required?: string[] };
  const file = { type: 'string', format: 'binary', description: `Up to ${maxBytes} bytes` };
  const schema = { type: 'object', ...fields, properties: { [field]: file, ...fields.properties } };
  return { required: true, content: { 'multipart/form-data': { schema } } };
}

const isForm = (route: DialectRoute): boolean => route.kind === 'resource' && route.upload !== undefined;
