const FIRST_DAY = Date.UTC(2025, 8, 1);
const DAY_MS = 24 * 60 * 60 * 1000;
const SPRINT_DAYS = 14;

/**
 * Happiness, points planned and completed, items completed and carried over, per cent unplanned, large stories, hours of coding,
 * review and testing, defect rate, open bugs. A steady team until sprint 15; then reviews grow long and less is finished.
 */
const ROWS = [
  [7.6, 42, 40, 20, 2, 9, 3, 61, 11, 22, 0.9, 12],
  [7.8, 42, 41, 21, 1, 8, 3, 62, 12, 23, 0.8, 11],
  [7.7, 43, 39, 19, 2, 11, 4, 60, 11, 22, 1.0, 12],
  [7.9, 42, 42, 21, 1, 7, 3, 63, 12, 24, 0.8, 10],
  [7.8, 44, 41, 20, 2, 10, 4, 62, 12, 23, 0.9, 11],
  [8.0, 43, 42, 21, 1, 8, 3, 61, 11, 23, 0.7, 10],
  [7.9, 44, 43, 22, 1, 9, 3, 63, 12, 24, 0.8, 9],
  [7.7, 44, 36, 18, 4, 24, 4, 55, 13, 20, 1.2, 13],
  [7.8, 43, 41, 20, 2, 10, 3, 61, 12, 23, 0.9, 12],
  [8.0, 43, 42, 21, 1, 9, 4, 62, 11, 23, 0.8, 11],
  [8.1, 44, 43, 22, 1, 8, 3, 62, 12, 24, 0.7, 10],
  [7.9, 44, 42, 21, 2, 11, 4, 61, 12, 23, 0.9, 10],
  [8.0, 45, 43, 21, 2, 9, 4, 63, 12, 24, 0.8, 11],
  [7.9, 45, 43, 22, 2, 10, 4, 62, 12, 23, 0.8, 11],
  [7.9, 45, 44, 22, 1, 9, 4, 62, 12, 24, 0.8, 10],
  [7.8, 46, 43, 21, 2, 10, 5, 62, 13, 23, 0.9, 11],
  [7.6, 46, 42, 20, 3, 11, 6, 61, 16, 22, 0.9, 12],
  [7.3, 46, 39, 18, 4, 10, 7, 59, 20, 22, 1.0, 12],
  [7.0, 46, 37, 17, 5, 12, 8, 58, 23, 21, 1.0, 13],
  [6.5, 46, 34, 15, 6, 11, 8, 57, 27, 21, 1.1, 14],
] as const;

/** As a service would send them. */
export const makeDemoSprints = (): unknown[] => ROWS.map((row, at) => makeSprint(row, at));

function makeSprint(row: (typeof ROWS)[number], at: number): unknown {
  const [
    happiness,
    planned,
    completed,
    items,
    carried,
    unplanned,
    large,
    coding,
    review,
    testing,
    rate,
    open,
  ] = row;
  const number = String(at + 1).padStart(2, '0');
  return {
    sprint_id: `demo-${number}`,
    sprint_name: `Demo sprint ${number}`,
    start_date: day(at * SPRINT_DAYS),
    end_date: day(at * SPRINT_DAYS + SPRINT_DAYS - 3),
    team_happiness: happiness,
    story_points_planned: planned,
    story_points_completed: completed,
    items_completed: items,
    items_carried_over: carried,
    items_out_of_sprint_percent: unplanned,
    story_point_distribution: { small: 10, medium: 10, large },
    coding_time: coding,
    review_time: review,
    testing_time: testing,
    defect_rate_all: rate,
    defect_rate_production: Math.round(rate * 40) / 100,
    open_bugs_count: open,
    bugs_prod: at % 3 === 0 ? 1 : 0,
    bugs_test: 2 + (at % 2),
    bugs_dev: 3,
    bugs_missed_testing: at % 2,
    bugs_requirement_gap: 1,
    bugs_configuration: at % 3 === 1 ? 1 : 0,
    bugs_third_party: at % 4 === 0 ? 1 : 0,
  };
}

const day = (days: number): string => new Date(FIRST_DAY + days * DAY_MS).toISOString().slice(0, 10);
