import { formatValue } from '../sprints/format.ts';
import { metrics, type MetricName } from '../sprints/metrics.ts';
import type { Sprint } from '../sprints/sprint.ts';
import type { Chart, Outlier } from './schema.ts';

interface Drawing {
  id: string;
  type: Chart['chart_type'];
  title: string;
  axis: string;
  metrics: readonly MetricName[];
}

const STANDARD: readonly Drawing[] = [
  {
    id: 'delivery',
    type: 'bar',
    title: 'Planned and finished',
    axis: 'Story points',
    metrics: ['story_points_planned', 'story_points_completed'],
  },
  {
    id: 'time',
    type: 'stacked_bar',
    title: 'Where the time goes',
    axis: 'Hours',
    metrics: ['coding_time', 'review_time', 'testing_time'],
  },
  { id: 'happiness', type: 'line', title: 'Team happiness', axis: 'Of 10', metrics: ['team_happiness'] },
  {
    id: 'quality',
    type: 'line',
    title: 'Defect rates',
    axis: 'Rate',
    metrics: ['defect_rate_all', 'defect_rate_production'],
  },
  {
    id: 'flow',
    type: 'line',
    title: 'Unplanned work',
    axis: 'Per cent of the items',
    metrics: ['items_out_of_sprint_percent'],
  },
];

/** Colours that people with any sight can tell apart (Okabe and Ito). */
const COLOURS = ['#0072b2', '#e69f00', '#009e73'];

/** Plotly figures: the standard ones, or one for each metric asked for. What was not measured is not drawn. */
export function drawCharts(
  sprints: readonly Sprint[],
  focus: readonly MetricName[],
  outliers: readonly Outlier[],
): Chart[] {
  const drawings = focus.length > 0 ? focus.map(drawOne) : STANDARD;
  return drawings
    .map((drawing) => ({
      ...drawing,
      metrics: drawing.metrics.filter((name) => sprints.some(({ data }) => data[name] !== undefined)),
    }))
    .filter((drawing) => drawing.metrics.length > 0)
    .map((drawing) => draw(drawing, sprints, outliers));
}

const drawOne = (name: MetricName): Drawing => ({
  id: name,
  type: 'line',
  title: metrics[name].label,
  axis: metrics[name].unit || metrics[name].label,
  metrics: [name],
});

function draw(drawing: Drawing, sprints: readonly Sprint[], outliers: readonly Outlier[]): Chart {
  const annotations = outliers
    .filter(
      ({ metric_name }) =>
        drawing.type !== 'stacked_bar' && drawing.metrics.some((name) => name === metric_name),
    )
    .map(annotate);
  return {
    chart_id: drawing.id,
    chart_type: drawing.type,
    title: drawing.title,
    data: {
      data: drawing.metrics.map((name, at) => trace(drawing, name, sprints, COLOURS[at] ?? '#000000')),
      layout: {
        title: { text: drawing.title },
        xaxis: { type: 'category' },
        yaxis: { title: { text: drawing.axis }, rangemode: 'tozero' },
        ...(drawing.type !== 'line' && { barmode: drawing.type === 'stacked_bar' ? 'stack' : 'group' }),
        annotations,
      },
    },
    annotations,
  };
}

/** A gap where a sprint has no number. */
const trace = (drawing: Drawing, name: MetricName, sprints: readonly Sprint[], color: string) => ({
  type: drawing.type === 'line' ? 'scatter' : 'bar',
  ...(drawing.type === 'line' && { mode: 'lines+markers', connectgaps: false }),
  name: metrics[name].label,
  x: sprints.map((sprint) => sprint.name),
  y: sprints.map(({ data }) => data[name] ?? null),
  marker: { color },
});

const annotate = ({ metric_name, sprint_name, value }: Outlier) => ({
  x: sprint_name,
  y: value,
  text: `unusual: ${formatValue(metric_name as MetricName, value)}`,
  showarrow: true,
  arrowhead: 2,
});
