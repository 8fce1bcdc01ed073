import { confidenceOf } from '../detectors/weigh.ts';
import { runDetectors } from '../detectors/run-detectors.ts';
import type { Finding } from '../detectors/finding.ts';
import { round } from '../sprints/format.ts';
import { drawCharts } from './charts.ts';
import { guideRetro } from './guide-retro.ts';
import { writeHeadline } from './headline.ts';
import { tellPeriod, writeSummary } from './summary.ts';
import type { Confidence, Report } from './schema.ts';
import type { Statistics } from './read-statistics.ts';

export const findHypotheses = ({ sprints, focus }: Statistics): Finding[] => runDetectors(sprints, focus);

/** The whole report but for what the task adds: its id, its time, and who wrote the text. */
export type Assembled = Omit<Report, 'report_id' | 'generated_at' | 'metadata'>;

export function assembleReport(statistics: Statistics, findings: readonly Finding[]): Assembled {
  const { sprints, focus, customContext, trends, outliers, correlations } = statistics;
  return {
    headline: writeHeadline(statistics, findings),
    summary: writeSummary(statistics, findings),
    sprint_period: tellPeriod(sprints),
    trends,
    outliers,
    correlations,
    charts: drawCharts(sprints, focus, outliers),
    hypotheses: findings.map(({ hypothesis }) => ({
      ...hypothesis,
      confidence: confidenceOf(hypothesis.confidence_score),
    })),
    suggested_experiments: findings.map(({ experiment }) => experiment),
    facilitation_guide: guideRetro(statistics, findings),
    sprints_analyzed: sprints.length,
    confidence_overall: overall(statistics, findings),
    custom_context: customContext,
    focus_metrics: [...focus],
  };
}

/** Of the findings; where there are none, how much there was to find one in. */
function overall({ sprints, trends }: Statistics, findings: readonly Finding[]): Confidence {
  if (trends.length === 0) return 'Low';
  if (findings.length === 0) return sprints.length >= 5 ? 'Medium' : 'Low';
  const sum = findings.reduce((total, { hypothesis }) => total + hypothesis.confidence_score, 0);
  return confidenceOf(round(sum / findings.length));
}
