import type { Config } from './config.ts';
import type { Secret } from './secret.ts';
import type { Vault } from './task.ts';

/** What a pack's handlers and routes encrypt with: what one pack wrote, another cannot read. */
export const vaultFor = (secret: Secret, pack: string): Vault => ({
  encrypt: (text) => secret.encrypt(`vault:${pack}`, text),
  decrypt: (encrypted) => secret.decrypt(`vault:${pack}`, encrypted),
});

/** The vault of a task's handler, by the task's name. */
export type Vaults = (task: string) => Vault;

export function openVaults({ packs }: Pick<Config, 'packs'>, secret: Secret): Vaults {
  const vaults = new Map(
    packs.flatMap(({ name, tasks }) => {
      const vault = vaultFor(secret, name);
      return tasks.map((task) => [task.name, vault] as const);
    }),
  );
  const own = vaultFor(secret, 'lovage');
  return (task) => vaults.get(task) ?? own;
}
