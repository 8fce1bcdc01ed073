import type { Config } from '../../config.ts';
import type { AnyTask } from '../../task.ts';
import { REST_PREFIX } from '../rest/mount.ts';
import { type JsonSchema, toComponents } from './schema.ts';
import type { Operation, Paths } from './types.ts';

export const inputComponent = ({ name }: AnyTask): string => `${name}.input`;
const taskComponent = ({ name }: AnyTask): string => `${name}.task`;
const outputComponent = ({ name }: AnyTask): string => `${name}.output`;
export const refTo = (component: string) => ({ $ref: `#/components/schemas/${component}` });

export function definitionSchemas({ tasks }: Config): Record<string, JsonSchema> {
  return Object.assign(
    {},
    ...[...tasks.values()].map((task) => ({
      ...toComponents(inputComponent(task), task.input, 'input'),
      ...toComponents(outputComponent(task), task.output, 'output'),
      [taskComponent(task)]: taskSchemaOf(task),
    })),
  ) as Record<string, JsonSchema>;
}

/** One operation a definition: what the generic route takes and answers, with this task's own schemas. */
export function definitionPaths({ packs }: Config, generic: Operation): Paths {
  const parameters =
    generic.parameters?.filter((parameter) => !('in' in parameter) || parameter.in !== 'path') ?? [];
  return Object.fromEntries(
    packs.flatMap((pack) =>
      pack.tasks.map((task): [string, Paths[string]] => [
        `${REST_PREFIX}/tasks/${task.name}`,
        {
          post: {
            ...generic,
            operationId: `submit.${task.name}`,
            tags: [pack.name],
            summary: `Start ${task.name}`,
            parameters,
            requestBody: {
              required: true,
              content: { 'application/json': { schema: refTo(inputComponent(task)) } },
            },
            responses: responsesOf(task, generic),
          },
        },
      ]),
    ),
  );
}

/** The tasks of a batch: one form a definition, with its name and its own input. */
export function batchBody({ tasks }: Config, { requestBody }: Operation): JsonSchema | undefined {
  const sent = requestBody as BatchBody | undefined;
  const whole = sent?.content['application/json'].schema;
  if (!whole) return requestBody;
  const { items } = whole.properties.tasks;
  const forms = [...tasks.values()].map((task) => ({
    ...items,
    properties: {
      ...items.properties,
      name: { type: 'string', enum: [task.name] },
      input: refTo(inputComponent(task)),
    },
    required: ['name', 'input'],
  }));
  const schema = {
    ...whole,
    properties: { ...whole.properties, tasks: { ...whole.properties.tasks, items: { anyOf: forms } } },
  };
  return { ...sent, content: { 'application/json': { schema } } };
}

interface BatchBody {
  content: {
    'application/json': {
      schema: { properties: { tasks: { items: { properties: JsonSchema } } } };
    };
  };
}

/** It exists, so its name is not unknown; and its task holds its own input and result. */
function responsesOf(task: AnyTask, { responses = {} }: Operation): Record<string, JsonSchema> {
  const { 404: _unknown, ...others } = responses;
  const content = { 'application/json': { schema: refTo(taskComponent(task)) } };
  return { ...others, 200: { ...responses[200], content }, 202: { ...responses[202], content } };
}

function taskSchemaOf(task: AnyTask): JsonSchema {
  const result = { anyOf: [refTo(outputComponent(task)), { type: 'null' }] };
  const own = { name: { type: 'string', enum: [task.name] }, input: refTo(inputComponent(task)), result };
  return { allOf: [refTo('Task'), { type: 'object', properties: own, required: ['name'] }] };
}
