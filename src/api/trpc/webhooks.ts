import { createWebhook } from '../../webhooks/create.ts';
import { listDeliveries } from '../../webhooks/deliveries.ts';
import { getDelivery } from '../../webhooks/delivery.ts';
import { getWebhook } from '../../webhooks/get.ts';
import { listWebhooks } from '../../webhooks/list.ts';
import { removeWebhook } from '../../webhooks/remove.ts';
import { replayDelivery } from '../../webhooks/replay.ts';
import { rotateWebhook } from '../../webhooks/rotate.ts';
import { testWebhook } from '../../webhooks/test.ts';
import { updateWebhook } from '../../webhooks/update.ts';
import { procedureFor } from './procedures.ts';
import { deliveryFilter, newWebhook, rotation, webhookChange, webhookId } from './webhook-fields.ts';

const reading = procedureFor('read');
const operating = procedureFor('admin');

/** Every verb on webhooks and their deliveries. */
export const webhookProcedures = {
  list: reading.query(({ ctx }) => ctx.patience.spend(listWebhooks(ctx.lovage, ctx.caller))),

  get: reading
    .input(webhookId)
    .query(({ ctx, input }) => ctx.patience.spend(getWebhook(ctx.lovage, ctx.caller, input.id))),

  create: operating
    .input(newWebhook)
    .mutation(({ ctx, input }) => ctx.patience.spend(createWebhook(ctx.lovage, ctx.caller, input))),

  update: operating
    .input(webhookChange.extend(webhookId.shape))
    .mutation(({ ctx, input: { id, ...change } }) =>
      ctx.patience.spend(updateWebhook(ctx.lovage, ctx.caller, id, change)),
    ),

  remove: operating
    .input(webhookId)
    .mutation(({ ctx, input }) => ctx.patience.spend(removeWebhook(ctx.lovage, ctx.caller, input.id))),

  rotate: operating
    .input(rotation.extend(webhookId.shape))
    .mutation(({ ctx, input: { id, ...options } }) =>
      ctx.patience.spend(rotateWebhook(ctx.lovage, ctx.caller, id, options)),
    ),

  test: operating
    .input(webhookId)
    .mutation(({ ctx, input }) => ctx.patience.spend(testWebhook(ctx.lovage, ctx.caller, input.id))),

  deliveries: reading
    .input(deliveryFilter.prefault({}))
    .query(({ ctx, input }) => ctx.patience.spend(listDeliveries(ctx.lovage, ctx.caller, input))),

  delivery: reading
    .input(webhookId)
    .query(({ ctx, input }) => ctx.patience.spend(getDelivery(ctx.lovage, ctx.caller, input.id))),

  replay: operating
    .input(webhookId)
    .mutation(({ ctx, input }) => ctx.patience.spend(replayDelivery(ctx.lovage, ctx.caller, input.id))),
};
