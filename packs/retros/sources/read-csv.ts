import { Discard } from 'lovage';

const TEXTS = new Set(['sprint_id', 'sprint_name', 'start_date', 'end_date', 'team_id']);
const SIZES = 'story_point_distribution.';

/**
 * Rows under a header with the names of the metrics; sizes of stories as `story_point_distribution.large`. An empty cell was not
 * measured. @throws Discard `InvalidSprintRecord` on what is no table.
 */
export async function readCsv(text: string, name: string): Promise<unknown[]> {
  const { parse } = await import('csv-parse/sync');
  let rows: Record<string, string>[];
  try {
    rows = parse(text, { columns: true, bom: true, trim: true, skip_empty_lines: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Discard(`${name} is no CSV: ${why}`, { code: 'InvalidSprintRecord', cause: error });
  }
  return rows.map(readRow);
}

function readRow(row: Record<string, string>): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  const sizes: Record<string, unknown> = {};
  for (const [column, cell] of Object.entries(row)) {
    if (cell === '') continue;
    const value = TEXTS.has(column) ? cell : toNumber(cell);
    if (column.startsWith(SIZES)) sizes[column.slice(SIZES.length)] = value;
    else record[column] = value;
  }
  return Object.keys(sizes).length > 0 ? { ...record, story_point_distribution: sizes } : record;
}

/** What is no number stays text, for the schema to refuse by its place. */
const toNumber = (cell: string): unknown => (/^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : cell);
