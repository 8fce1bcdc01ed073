import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Account } from './find-account.ts';

export const read = 4;
export const enter = 1;

/** By mode bits alone: the account comes without supplementary groups. */
export function allows(stats: Stats, account: Account, bits: number): boolean {
  const shift = stats.uid === account.uid ? 6 : stats.gid === account.gid ? 3 : 0;
  return ((stats.mode >> shift) & bits) === bits;
}

/** Whether the account can enter the folder and everything above it. */
export async function canReach(folder: string, account: Account): Promise<boolean> {
  if (!allows(await stat(folder), account, enter)) return false;
  const parent = dirname(folder);
  return parent === folder || canReach(parent, account);
}
