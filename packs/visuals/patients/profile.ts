import { randomUUID } from 'node:crypto';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Vault } from 'lovage';
import { z } from 'zod';
import { patientProfiles } from '../schema/index.ts';

const text = z.string().trim().min(1).max(200);
const optional = z
  .string()
  .trim()
  .max(200)
  .nullish()
  .transform((given) => given || null);

export const profileBody = z.object({
  name: text,
  date_of_birth: z.iso.date(),
  location: z.object({
    zip_code: z
      .string()
      .trim()
      .regex(/^[A-Za-z0-9][A-Za-z0-9 -]{1,10}$/, 'must be a postal code'),
    city: optional,
    state: optional,
    country: text.default('USA'),
  }),
  insurance_info: z.object({
    provider: text,
    policy_number: text,
    group_number: optional,
    plan_type: optional,
    coverage_details: z
      .record(z.string(), z.json())
      .nullish()
      .transform((given) => given ?? null),
  }),
  medical_history: z.string().max(20_000).nullish(),
});

export type PatientProfile = typeof patientProfiles.$inferSelect;

interface Owner {
  tenant: string;
  vault: Vault;
}

/** Stores a profile; the policy number and the history only as the vault encrypts them. */
export async function createProfile(
  db: NodePgDatabase,
  { tenant, vault }: Owner,
  given: z.output<typeof profileBody>,
): Promise<PatientProfile> {
  const { policy_number, ...insurance } = given.insurance_info;
  const rows = await db
    .insert(patientProfiles)
    .values({
      id: randomUUID(),
      tenant,
      name: given.name,
      dateOfBirth: given.date_of_birth,
      location: given.location,
      insurance,
      policyNumber: vault.encrypt(policy_number),
      medicalHistory: given.medical_history ? vault.encrypt(given.medical_history) : null,
    })
    .returning();
  const [row] = rows;
  if (row === undefined) throw new Error('The profile was not stored');
  return row;
}

/** As its owner sees it, decrypted. */
export function renderProfile(row: PatientProfile, vault: Vault) {
  return {
    id: row.id,
    name: row.name,
    date_of_birth: row.dateOfBirth,
    location: row.location,
    insurance_info: { ...row.insurance, policy_number: vault.decrypt(row.policyNumber) },
    medical_history: row.medicalHistory && vault.decrypt(row.medicalHistory),
    version: row.version,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
