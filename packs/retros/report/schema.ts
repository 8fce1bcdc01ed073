import { z } from 'zod';

const text = z.string();
export const trendSchema = z.object({
  metric_name: text,
  current_value: z.number(),
  previous_value: z.number(),
  change_percent: z.number(),
  trend_direction: z.enum(['increasing', 'decreasing', 'stable']),
  is_significant: z.boolean(),
  significance_level: z.enum(['High', 'Medium', 'Low']),
});
export type Trend = z.output<typeof trendSchema>;

export const outlierSchema = z.object({
  metric_name: text,
  sprint_id: text,
  sprint_name: text,
  value: z.number(),
  z_score: z.number(),
});
export type Outlier = z.output<typeof outlierSchema>;

export const correlationSchema = z.object({
  metric_1: text,
  metric_2: text,
  correlation_coefficient: z.number().min(-1).max(1),
  is_strong: z.boolean(),
  interpretation: text,
});
export type Correlation = z.output<typeof correlationSchema>;

const plotly = z.record(text, z.json());
export const chartSchema = z.object({
  chart_id: text,
  chart_type: z.enum(['bar', 'line', 'stacked_bar']),
  title: text,
  data: z.object({ data: z.array(plotly), layout: plotly }),
  annotations: z.array(plotly),
});
export type Chart = z.output<typeof chartSchema>;

export const confidenceSchema = z.enum(['High', 'Medium', 'Low']);
export type Confidence = z.output<typeof confidenceSchema>;

export const hypothesisSchema = z.object({
  title: text,
  description: text,
  confidence: confidenceSchema,
  confidence_score: z.number().min(0).max(1),
  evidence: z.array(text),
  potential_impact: text,
  affected_metrics: z.array(text),
});
export type Hypothesis = z.output<typeof hypothesisSchema>;

export const experimentSchema = z.object({
  title: text,
  description: text,
  rationale: text,
  duration_sprints: z.int().min(1),
  success_metrics: z.array(text),
  implementation_steps: z.array(text),
  expected_outcome: text,
});
export type Experiment = z.output<typeof experimentSchema>;

/** Who wrote headline and summary: the assembler also where the model failed, which `llm_error` then tells. */
export const reportMetadata = z.object({
  sources: z.array(z.enum(['api', 'folder', 'demo'])),
  text_by: z.enum(['assembler', 'llm']),
  llm_provider: text.nullable(),
  llm_model: text.nullable(),
  llm_error: text.nullable(),
});

export const reportSchema = z.object({
  report_id: text,
  headline: text,
  summary: text,
  sprint_period: text,
  generated_at: z.iso.datetime(),
  trends: z.array(trendSchema),
  outliers: z.array(outlierSchema),
  correlations: z.array(correlationSchema),
  charts: z.array(chartSchema),
  hypotheses: z.array(hypothesisSchema).max(3),
  suggested_experiments: z.array(experimentSchema).max(3),
  facilitation_guide: z.object({
    retro_questions: z.array(text).length(3),
    agenda_15min: z.array(text),
    focus_areas: z.array(text),
  }),
  sprints_analyzed: z.int(),
  confidence_overall: confidenceSchema,
  custom_context: text.nullable(),
  focus_metrics: z.array(text),
  metadata: reportMetadata,
});
export type Report = z.output<typeof reportSchema>;
