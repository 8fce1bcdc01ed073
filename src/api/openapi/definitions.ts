import type { Config } from '../../config.ts';
import type { AnyTask } from '../../task.ts';
import { REST_PREFIX } from '../rest/mount.ts';
import { type JsonSchema, toComponent } from './schema.ts';
import type { Operation, Paths } from './types.ts';

export const inputComponent = ({ name }: AnyTask): string => `${name}.input`;
const outputComponent = ({ name }: AnyTask): string => `${name}.output`;
export const refTo = (component: string) => ({ $ref: `#/components/schemas/${component}` });

export function definitionSchemas({ tasks }: Config): Record<string, JsonSchema> {
  return Object.fromEntries(
    [...tasks.values()].flatMap((task) => [
      [inputComponent(task), toComponent(inputComponent(task), task.input, 'input')],
      [outputComponent(task), toComponent(outputComponent(task), task.output, 'output')],
    ]),
  );
}

/** One operation a definition: what the generic route takes and answers, with this task's own schemas. */
export function definitionPaths({ packs }: Config, generic: Operation): Paths {
  const parameters = generic.parameters?.filter((parameter) => parameter.in !== 'path') ?? [];
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
            responses: { ...generic.responses, 200: finalOf(task, generic) },
          },
        },
      ]),
    ),
  );
}

function finalOf(task: AnyTask, generic: Operation): JsonSchema {
  const result = { anyOf: [refTo(outputComponent(task)), { type: 'null' }] };
  const schema = {
    allOf: [refTo('Task'), { type: 'object', properties: { name: { const: task.name }, result } }],
  };
  return { ...generic.responses?.[200], content: { 'application/json': { schema } } };
}
