import type { JsonSchema } from './schema.ts';

export type Parameter =
  | {
      name: string;
      in: string;
      required?: boolean;
      schema?: JsonSchema;
      description?: string;
      example?: unknown;
    }
  | { $ref: string };

/** As much of OpenAPI 3.1 as is put together by hand. */
export interface Operation {
  operationId?: string;
  tags?: string[];
  summary?: string;
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: JsonSchema;
  responses?: Record<string, JsonSchema>;
}

export type Paths = Record<string, Record<string, Operation>>;
