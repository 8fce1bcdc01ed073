import { Discard } from 'lovage';
import { z } from 'zod';
import { sprintRecord, toSprint, type Source, type Sprint } from '../sprints/sprint.ts';

const records = z.union([z.array(z.unknown()), z.object({ sprints: z.array(z.unknown()) })], {
  error: 'must be a list of sprints, or {"sprints": […]}',
});
const MOST_FAULTS = 3;

/** Checks what a source sent, all of it before any is used. @throws Discard `InvalidSprintRecord` naming the first faults. */
export function readRecords(sent: unknown, source: Source, where: string): Sprint[] {
  const list = records.safeParse(sent);
  if (!list.success) throw refuse(where, [list.error.issues[0]?.message ?? 'is no list']);
  const rows = Array.isArray(list.data) ? list.data : list.data.sprints;
  const faults: string[] = [];
  const sprints: Sprint[] = [];
  for (const [at, row] of rows.entries()) {
    const record = sprintRecord.safeParse(row);
    if (record.success) sprints.push(toSprint(record.data, source));
    else
      faults.push(
        ...record.error.issues.map(({ path, message }) => `record ${at + 1}, ${path.join('.')}: ${message}`),
      );
  }
  if (faults.length > 0) throw refuse(where, faults);
  return sprints;
}

/** @throws Discard `InvalidSprintRecord` where one sprint comes twice: which of the two is right nobody can know. */
export function refuseTwins(sprints: readonly Sprint[], where: string): void {
  const seen = new Set<string>();
  for (const { id } of sprints) {
    if (seen.has(id)) throw refuse(where, [`sprint "${id}" comes twice`]);
    seen.add(id);
  }
}

function refuse(where: string, faults: readonly string[]): Discard {
  const more = faults.length > MOST_FAULTS ? ` and ${faults.length - MOST_FAULTS} more` : '';
  return new Discard(
    `Invalid sprint record from ${where}: ${faults.slice(0, MOST_FAULTS).join('; ')}${more}`,
    {
      code: 'InvalidSprintRecord',
    },
  );
}
