import type { ReportPatient } from '../report.ts';
import type { Block, Layout } from './block.ts';
import { formatDate } from './format-date.ts';
import { field, heading } from './text-blocks.ts';

export function layOutPatient({ type }: Layout, patient: ReportPatient): Block[] {
  const fields: [string, string | null][] = [
    ['Name', patient.name],
    ['Date of birth', patient.date_of_birth && formatDate(patient.date_of_birth)],
    ['Location', patient.location],
    ['Insurance', patient.insurance_provider],
    ['Policy number', patient.policy_number],
    ['Medical history', patient.medical_history],
  ];
  return [
    ...heading('Patient'),
    ...fields.flatMap(([label, value]) => (value ? field(type, label, value) : [])),
  ];
}
