import { date, integer, jsonb, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { bytea, packVisuals } from './pack-schema.ts';

export interface Location {
  zip_code: string;
  city: string | null;
  state: string | null;
  country: string;
}

/** Without the policy number, which is encrypted in a column of its own. */
export interface Insurance {
  provider: string;
  group_number: string | null;
  plan_type: string | null;
  coverage_details: Record<string, unknown> | null;
}

export const patientProfiles = packVisuals.table('patient_profiles', {
  id: uuid('id').primaryKey(),
  tenant: text('tenant').notNull(),
  name: text('name').notNull(),
  dateOfBirth: date('date_of_birth').notNull(),
  location: jsonb('location').$type<Location>().notNull(),
  insurance: jsonb('insurance').$type<Insurance>().notNull(),
  /** Encrypted by the vault. */
  policyNumber: bytea('policy_number').notNull(),
  /** Encrypted by the vault. */
  medicalHistory: bytea('medical_history'),
  version: integer('version').notNull().default(1),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
});
