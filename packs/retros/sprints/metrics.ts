/** What is measured of a sprint, and how to speak of it. */
export interface Metric {
  label: string;
  /** Written after a number; empty where it has none. */
  unit: string;
  better: 'higher' | 'lower' | 'neither';
  /** Metrics of one family move together by what they are: no news. */
  family: 'morale' | 'delivery' | 'flow' | 'defects' | 'coding' | 'review' | 'testing';
  /** The largest value in range. */
  max: number;
}

const LARGEST = 1_000_000_000;

const metric = (
  label: string,
  unit: string,
  better: Metric['better'],
  family: Metric['family'],
  max = LARGEST,
): Metric => ({ label, unit, better, family, max });
const bugs = (label: string): Metric => metric(label, 'bugs', 'lower', 'defects');

export const metrics = {
  team_happiness: metric('Team happiness', 'of 10', 'higher', 'morale', 10),
  story_points_completed: metric('Velocity', 'points', 'higher', 'delivery'),
  story_points_planned: metric('Planned work', 'points', 'neither', 'delivery'),
  items_completed: metric('Completed work', 'items', 'higher', 'delivery'),
  items_carried_over: metric('Carried over work', 'items', 'lower', 'flow'),
  items_out_of_sprint_percent: metric('Unplanned work', '%', 'lower', 'flow', 100),
  defect_rate_production: metric('Defect rate in production', '', 'lower', 'defects'),
  defect_rate_all: metric('Defect rate', '', 'lower', 'defects'),
  bugs_prod: bugs('Bugs found in production'),
  bugs_acc: bugs('Bugs found in acceptance'),
  bugs_test: bugs('Bugs found in testing'),
  bugs_dev: bugs('Bugs found in development'),
  bugs_other: bugs('Bugs found elsewhere'),
  open_bugs_count: bugs('Backlog of open bugs'),
  bugs_missed_testing: bugs('Bugs missed by testing'),
  bugs_missed_impact: bugs('Bugs of an impact not seen'),
  bugs_requirement_gap: bugs('Bugs of gaps in requirements'),
  bugs_configuration: bugs('Bugs of configuration'),
  bugs_third_party: bugs('Bugs of third parties'),
  bugs_database: bugs('Bugs of the database'),
  bugs_security: bugs('Bugs of security'),
  coding_time: metric('Coding time', 'h', 'neither', 'coding'),
  review_time: metric('Review time', 'h', 'lower', 'review'),
  testing_time: metric('Testing time', 'h', 'neither', 'testing'),
} satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;
export const metricNames = Object.keys(metrics) as [MetricName, ...MetricName[]];

/** Other names under which clients ask for a metric. */
export const aliases = { velocity: 'story_points_completed' } as const satisfies Record<string, MetricName>;
export const focusNames = [...metricNames, ...(Object.keys(aliases) as (keyof typeof aliases)[])] as const;
export type FocusName = (typeof focusNames)[number];

/** The metric that a name stands for. */
export const resolveMetric = (name: FocusName): MetricName => (name === 'velocity' ? aliases[name] : name);
