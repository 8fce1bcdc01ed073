import type { TRPCMutationProcedure, TRPCQueryProcedure } from '@trpc/server';
import type { Page } from '../../wire.ts';
import type {
  DeliveryState,
  DeliveryView,
  DeliveryWithTries,
  ReplayOutcome,
  WebhookEvent,
  WebhookView,
  WebhookWithSecret,
} from '../../wire/webhooks.ts';

type Query<Input, Output> = TRPCQueryProcedure<{ input: Input; output: Output; meta: unknown }>;
type Mutation<Input, Output> = TRPCMutationProcedure<{ input: Input; output: Output; meta: unknown }>;
type Id = { id: string };

export interface NewWebhook {
  url: string;
  /** Only of tasks that the API key of this name makes. */
  key?: string | null;
  /** Default: all. */
  events?: WebhookEvent[];
  /** `whsec_…`; default: one is made. */
  secret?: string;
}

export interface DeliveryFilter {
  webhookId?: string;
  taskId?: string;
  batchId?: string;
  state?: DeliveryState;
  cursor?: string;
  limit?: number;
}

export type WebhookProcedures = {
  list: Query<void, Page<WebhookView>>;
  get: Query<Id, WebhookView>;
  create: Mutation<NewWebhook, WebhookWithSecret>;
  update: Mutation<Id & Partial<Omit<NewWebhook, 'secret'>> & { enabled?: boolean }, WebhookView>;
  remove: Mutation<Id, WebhookView>;
  rotate: Mutation<Id & { graceMs?: number; secret?: string }, WebhookWithSecret>;
  test: Mutation<Id, DeliveryWithTries>;
  deliveries: Query<DeliveryFilter, Page<DeliveryView>>;
  delivery: Query<Id, DeliveryWithTries>;
  replay: Mutation<Id, { delivery: DeliveryWithTries; outcome: ReplayOutcome }>;
};
