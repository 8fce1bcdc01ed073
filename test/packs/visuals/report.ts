import type { Region } from '../../../packs/visuals/costs/assumptions.ts';
import { estimateCost } from '../../../packs/visuals/costs/estimate.ts';
import { DISCLAIMER, type Report } from '../../../packs/visuals/exports/report.ts';

const DAY = '2026-03-05T10:00:00.000Z';
const RANGE = { costMin: 5_000, costMax: 12_000 };

export const imageKey = (letter: string): string => `${letter.repeat(64)}.jpg`;

const image = (letter: string) => ({ key: imageKey(letter), content_type: 'image/jpeg' });

export function makeCost(
  name = 'Rhinoplasty',
  {
    region = 'national',
    coveragePercent = 0,
    deductible = 0,
  }: {
    region?: Region;
    coveragePercent?: number;
    deductible?: number;
  } = {},
) {
  const estimate = estimateCost({ name, ...RANGE }, region, { coveragePercent, deductible });
  return { id: crypto.randomUUID(), created_at: DAY, procedure_name: name, ...estimate };
}

const compared = (procedure_name: string, letter: string) => ({
  procedure_name,
  cost: 8_500,
  recovery_days: 14,
  risk_level: 'medium',
  after_image: image(letter),
});

/** A sample: nobody's report. */
export function makeReport(more: Partial<Report> = {}): Report {
  return {
    export_id: '0197b6f0-0000-7000-8000-000000000001',
    generated_at: DAY,
    shareable: false,
    disclaimer: DISCLAIMER,
    patient: {
      id: '0197b6f0-0000-7000-8000-000000000002',
      name: 'Zoë Müller-Αθηνά Иванова',
      date_of_birth: '1990-05-01',
      location: 'Sampletown, MA',
      insurance_provider: 'Sample Mutual',
      policy_number: 'POL-4711',
      medical_history: 'Asthma as a child.',
    },
    visualizations: [
      {
        id: '0197b6f0-0000-7000-8000-000000000003',
        procedure_name: 'Rhinoplasty',
        generated_at: DAY,
        confidence_score: 0,
        model: 'compose',
        before_image: image('a'),
        after_image: image('b'),
      },
    ],
    comparisons: [
      {
        id: '0197b6f0-0000-7000-8000-000000000004',
        created_at: DAY,
        procedures: [compared('Rhinoplasty', 'a'), compared('Otoplasty', 'b')],
      },
    ],
    cost_estimates: [makeCost('Rhinoplasty', { coveragePercent: 80, deductible: 500 })],
    ...more,
  };
}
