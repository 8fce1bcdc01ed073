import type { Estimate } from '../costs/estimate.ts';

/** What an export tells: the JSON file as it is, and what the page and the sheet are laid out from. */
export interface Report {
  export_id: string;
  generated_at: string;
  shareable: boolean;
  disclaimer: string;
  /** Null where the report is for others to see. */
  patient: ReportPatient | null;
  visualizations: ReportVisualization[];
  comparisons: ReportComparison[];
  cost_estimates: ReportCost[];
}

export interface ReportPatient {
  id: string;
  name: string;
  date_of_birth: string | null;
  location: string | null;
  insurance_provider: string | null;
  policy_number: string | null;
  medical_history: string | null;
}

export interface ReportVisualization {
  id: string;
  procedure_name: string;
  generated_at: string;
  confidence_score: number;
  /** What made the picture: `compose` where it is an illustration. */
  model: string | null;
  before_image: ReportImage;
  after_image: ReportImage;
}

/** Names a stored image; its bytes are in the PDF and the sheet. */
export interface ReportImage {
  key: string;
  content_type: string;
}

export interface ReportComparison {
  id: string;
  created_at: string;
  procedures: {
    procedure_name: string;
    cost: number;
    recovery_days: number;
    risk_level: string;
    after_image: ReportImage;
  }[];
}

export interface ReportCost extends Pick<
  Estimate,
  'region' | 'currency' | 'fees' | 'total_cost' | 'total_min' | 'total_max' | 'assumptions'
> {
  id: string;
  created_at: string;
  procedure_name: string;
  /** Null where the report is for others to see: it is about the patient's insurance, and the plans follow from it. */
  coverage: Estimate['coverage'] | null;
  payment_plans: Estimate['payment_plans'] | null;
}

export const DISCLAIMER =
  'Previews are illustrations made by software. They are not medical advice, not a diagnosis, and no promise of a result. ' +
  'Costs are estimates from typical prices, not quotes. Talk to a board-certified surgeon before you decide.';
