import type { JsonSchema } from './schema.ts';

/** As much of OpenAPI 3.1 as is put together by hand. */
export interface Operation {
  operationId?: string;
  tags?: string[];
  summary?: string;
  security?: Record<string, string[]>[];
  parameters?: { name: string; in: string }[];
  requestBody?: JsonSchema;
  responses?: Record<string, JsonSchema>;
}

export type Paths = Record<string, Record<string, Operation>>;
