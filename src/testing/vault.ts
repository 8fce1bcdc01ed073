import { randomBytes } from 'node:crypto';
import { createSecret } from '../secret.ts';
import type { Vault } from '../task.ts';
import { vaultFor } from '../vault.ts';

/** A vault for `runTask()`, of a secret of its own: what a test encrypts by it, the handler that gets it can read. */
export const createVault = (): Vault =>
  vaultFor(createSecret(randomBytes(32).toString('base64url')), 'testing');
