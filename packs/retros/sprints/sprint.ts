import { z } from 'zod';
import { metricNames, metrics, type MetricName } from './metrics.ts';
import { isStorable } from './storable.ts';

/** From where the numbers are; `demo` are invented and say so wherever they go. */
export type Source = 'api' | 'folder' | 'demo';

const measured = (max: number) => z.number().min(0).max(max).nullish();
const name = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine(isStorable, 'must not hold NUL or half a surrogate pair');
const day = z
  .union([z.iso.date(), z.iso.datetime({ offset: true, local: true })], { error: 'must be an ISO date' })
  .transform((text) => text.slice(0, 10))
  // The calendar of Postgres has no such year.
  .refine((date) => !date.startsWith('0000'), 'must not be in the year 0');
const numbers = Object.fromEntries(metricNames.map((key) => [key, measured(metrics[key].max)])) as Record<
  MetricName,
  ReturnType<typeof measured>
>;

/** One sprint as a source sends it. What else it sends is left out. */
export const sprintRecord = z
  .object({
    sprint_id: name,
    sprint_name: name,
    start_date: day,
    end_date: day,
    team_id: name.nullish(),
    story_point_distribution: z
      .object({ small: measured(1e9), medium: measured(1e9), large: measured(1e9) })
      .nullish(),
    ...numbers,
  })
  .refine((sprint) => sprint.start_date <= sprint.end_date, {
    message: 'must not be before start_date',
    path: ['end_date'],
  });
export type SprintRecord = z.output<typeof sprintRecord>;

type Told<Shape> = { [Key in keyof Shape]?: NonNullable<Shape[Key]> };
/** What is stored of a sprint: only what was measured. */
export type MetricsData = Told<Pick<SprintRecord, MetricName | 'team_id'>> & {
  story_point_distribution?: { small: number; medium: number; large: number };
  source: Source;
};

export interface Sprint {
  id: string;
  name: string;
  startDate: string;
  endDate: string;
  data: MetricsData;
}

/** Sorts what was measured from what the source left empty. */
export function toSprint(record: SprintRecord, source: Source): Sprint {
  const { sprint_id, sprint_name, start_date, end_date, story_point_distribution: sizes, ...rest } = record;
  const told = Object.entries(rest).filter(([, value]) => value !== null && value !== undefined);
  return {
    id: sprint_id,
    name: sprint_name,
    startDate: start_date,
    endDate: end_date,
    data: {
      ...(Object.fromEntries(told) as Omit<MetricsData, 'source'>),
      ...(sizes && {
        story_point_distribution: {
          small: sizes.small ?? 0,
          medium: sizes.medium ?? 0,
          large: sizes.large ?? 0,
        },
      }),
      source,
    },
  };
}
