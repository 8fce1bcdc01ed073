import { listAudit } from '../../audit/list.ts';
import { createKey } from '../../keys/create.ts';
import { getKey } from '../../keys/get.ts';
import { listKeys } from '../../keys/list.ts';
import { revokeKey } from '../../keys/revoke.ts';
import { rotateKey } from '../../keys/rotate.ts';
import { updateKey } from '../../keys/update.ts';
import {
  createKeyFields,
  keyId,
  listAuditFields,
  listKeysFields,
  rotateKeyFields,
  updateKeyFields,
} from './key-fields.ts';
import { procedureFor } from './procedures.ts';

const managing = procedureFor('admin');

/** Every verb on keys: of an admin's own tenant, of every tenant for the root key. */
export const keyProcedures = {
  create: managing
    .input(createKeyFields)
    .mutation(({ ctx, input }) => ctx.patience.spend(createKey(ctx.lovage.pool, ctx.caller, input))),

  list: managing
    .input(listKeysFields.prefault({}))
    .query(({ ctx, input }) => ctx.patience.spend(listKeys(ctx.lovage.pool, ctx.caller, input))),

  get: managing
    .input(keyId)
    .query(({ ctx, input }) => ctx.patience.spend(getKey(ctx.lovage.pool, ctx.caller, input.id))),

  update: managing
    .input(updateKeyFields)
    .mutation(({ ctx, input: { id, ...change } }) =>
      ctx.patience.spend(updateKey(ctx.lovage.pool, ctx.caller, id, change)),
    ),

  rotate: managing
    .input(rotateKeyFields)
    .mutation(({ ctx, input: { id, ...rotation } }) =>
      ctx.patience.spend(rotateKey(ctx.lovage.pool, ctx.caller, id, rotation)),
    ),

  revoke: managing
    .input(keyId)
    .mutation(({ ctx, input }) => ctx.patience.spend(revokeKey(ctx.lovage.pool, ctx.caller, input.id))),
};

/** Who did what. */
export const auditProcedures = {
  list: managing
    .input(listAuditFields.prefault({}))
    .query(({ ctx, input }) => ctx.patience.spend(listAudit(ctx.lovage.pool, ctx.caller, input))),
};
