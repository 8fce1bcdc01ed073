import { z } from 'zod';
import { callService } from '../../services/call-service.ts';
import { ServiceError } from '../../services/service-error.ts';
import type { Environment } from '../environment.ts';
import { withPath } from './with-path.ts';

export interface Embedder {
  /** Vectors of different models cannot be compared. */
  model: string;
  /** One vector of length 1 for each text, all of the same dimension. */
  embed: (texts: readonly string[], signal: AbortSignal) => Promise<number[][]>;
}

const TEXTS_A_CALL = 64;
const TIMEOUT_MS = 60_000;
const MAX_DIMENSIONS = 8_192;
const CODE = 'EmbeddingsError';
const SERVICE = 'the embeddings service';

const answer = z.object({
  data: z.array(
    z.object({ index: z.int().min(0), embedding: z.array(z.number()).min(1).max(MAX_DIMENSIONS) }),
  ),
});

/** An OpenAI-compatible service, where one is configured. */
export function createEmbedder(environment: Environment): Embedder | null {
  const { EMBEDDINGS_URL: base, EMBEDDINGS_API_KEY: key } = environment;
  if (base === undefined) return null;
  const model = environment.EMBEDDINGS_MODEL ?? 'all-MiniLM-L6-v2';
  const call = async (input: readonly string[], signal: AbortSignal) => {
    const sent = await callService({
      service: SERVICE,
      code: CODE,
      url: withPath(base, 'embeddings'),
      headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
      body: { model, input, encoding_format: 'float' },
      timeoutMs: TIMEOUT_MS,
      signal,
    });
    return readVectors(sent, input.length);
  };
  return {
    model,
    async embed(texts, signal) {
      const vectors: number[][] = [];
      for (let at = 0; at < texts.length; at += TEXTS_A_CALL)
        vectors.push(...(await call(texts.slice(at, at + TEXTS_A_CALL), signal)));
      return requireOneDimension(vectors);
    },
  };
}

/** Answers may come in any order: their `index` says whose they are. */
function readVectors(sent: unknown, count: number): number[][] {
  const parsed = answer.safeParse(sent);
  if (!parsed.success) throw lie('sent no list of vectors');
  const byIndex = new Map(parsed.data.data.map(({ index, embedding }) => [index, embedding]));
  const { length } = parsed.data.data;
  return Array.from({ length: count }, (_, index) => {
    const vector = byIndex.get(index);
    if (vector === undefined || length !== count) throw lie(`sent ${length} vectors for ${count} texts`);
    return toUnitLength(vector);
  });
}

function toUnitLength(vector: number[]): number[] {
  const length = Math.hypot(...vector);
  if (length === 0 || !Number.isFinite(length)) throw lie('sent a vector without a direction');
  return vector.map((value) => value / length);
}

function requireOneDimension(vectors: number[][]): number[][] {
  const dimensions = new Set(vectors.map(({ length }) => length));
  if (dimensions.size > 1) throw lie(`sent vectors of ${[...dimensions].join(' and ')} dimensions`);
  return vectors;
}

/** It answered with success, so asking again would not help. */
const lie = (message: string): ServiceError =>
  new ServiceError(SERVICE, message, { code: CODE, status: 200 });
